story 284
nodes 8
people 16
groups 1
delay 53
heat 5
node 0 sync 0
node 1 sync 1 evil
node 2 sync 4
node 3 sync 3
node 4 sync 5
node 5 sync 3 evil
node 6 sync 3
node 7 sync 0 evil
at 2066 join 6578db76d39cd535
at 3972 evil-fork 9490efe59011ca9c
at 8769 evil-backdate 982b49a6e4291352
at 14003 say e85fa56f53597832
at 21579 say e9d3f88c58bb766c
at 27312 join b694efc0fc91ba44
