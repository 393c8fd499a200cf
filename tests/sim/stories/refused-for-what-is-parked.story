story 227
nodes 7
people 14
groups 2
delay 124
heat 5
node 0 sync 2
node 1 sync 0
node 2 sync 4 evil
node 3 sync 5 dial-only
node 4 sync 30 evil
node 5 sync 5 evil
node 6 sync 5
at 1293 say 513a83aa2e8f101a
at 3179 say 1a30f52cb60f25a0
at 3437 say 8987fc27d4f69269
at 3442 say 84fb35c39578a8f5
at 4425 evil-backdate 2dff67135eff4e8f
at 5936 react b2ee7a73b8d73417
at 7185 say a1c144d192500435
at 7185 say d98bc917b3bdc5d9
at 9199 say c421810da16ba3ab
at 9405 leave 4323cfbabc12b4a9
at 11478 say f0cd86dbca47f669
at 11478 say fbc1e26c5fb5dea5
at 11478 evil-forge b82931825464c81b
at 14366 say d2cc37419fdd4850
at 19018 evil-rest e87307a856ff0403
