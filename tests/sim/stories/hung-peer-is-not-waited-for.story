story 8
nodes 6
people 12
groups 2
delay 4
heat 5
node 0 sync 5
node 1 sync 0
node 2 sync 3 evil
node 3 sync 0
node 4 sync 5 evil
node 5 sync 5
at 2660 say de713a675e0089fc
at 21628 say bc188a226515a25a
at 21628 react 15d41714620d3d81
at 23262 crash 0e6a78e89aabe43f
at 23401 group 61fd8f2bdd69d3ba
at 24320 silence 61ed49c479a79c3d
at 29843 say 57e4234fa844f204
at 30497 react ebf383b187058167
at 31731 evil-select 225a5a1e1b95fb17
at 43806 evil-withhold 84e9ae3097ce7d2b
at 66724 evil-forge 7347de665c505b7c
at 70559 say 85a187b5ee168cf8
at 70559 say cc3494d1f826a7d2
at 71424 edit 6cf1cd7a463b959e
