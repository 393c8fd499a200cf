# Everything but main() belongs in libkithedge_a_SOURCES, where tests reach it.
kithd_SOURCES += %D%/main.c
