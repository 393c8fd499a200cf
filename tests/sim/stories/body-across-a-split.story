story 116
nodes 4
people 8
groups 2
delay 14
heat 32
node 0 sync 2
node 1 sync 1
node 2 sync 3 evil
node 3 sync 26
at 43296 say cd4b197d3de3dd8c
at 47216 evil-replay 84877d0a0d9741d9
at 47216 say ec586eeae75b0b43
at 48324 react 7cfce1681ad1655d
at 48424 owner a315e794ef38ace6
at 49520 react 507c7d76a608c2e2
at 49860 say f017700b5b531545
at 50818 invite f4f0428248975ef8
at 51837 owner 6ab84e772bea1b75
at 52797 say ec51aa245b912f4b
at 53444 say-again 5a904714ee4a716f
at 54692 say b0af99a089f11453
at 55409 say a47dea436fad6b67
at 55409 node-unban 8189bc3b7775e432
at 56901 say 3c387f2f389288a5
at 58721 evil-forge c3c1d92bea9e833e
at 60667 say 4a1cd34f00384253
at 62158 say b415a01647d74c5e
at 63528 say de195aa2ea189d56
at 64988 say 139ccfba2b8fab70
at 66160 say 1390230a32d9b25a
at 67080 say 4cd9ca783a7cd00b
at 68826 say 74197fdbe569998a
at 69078 say e80cc084ba4ced3c
at 69078 say db44a78008b1eee2
at 70590 evil-replay 9fffca93a1daac71
at 71253 dm dd472fe86c7e73f5
at 78055 remove 27cfcd1d9127c5e8
at 79419 setting 55697d94dd7f08a1
at 81764 silence e9a1d27891a17fce
at 84255 perms 623913c4b2a7d3b9
at 88782 evil-fork 35951b444e6d3394
at 95967 say d60c9c8b5f59f643
at 111865 away 699c78469d0b20c7
at 191356 away 37e9912bcf475757
