story 208
nodes 7
people 14
groups 1
delay 95
heat 5
node 0 sync 4
node 1 sync 26
node 2 sync 2 evil
node 3 sync 4
node 4 sync 1
node 5 sync 3
node 6 sync 29
at 2054 evil-fork 8263f8e7f1aa9076
at 8781 disk-slow 8bbf6bcf73eaa3a7
at 28558 split 82f69efa95c486c2
at 33222 say 3fb8b46839c37855
at 40620 silence 9a5198bb81aac93e
at 69108 say b70b7a67636b8807
