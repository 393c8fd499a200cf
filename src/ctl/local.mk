kithctl_SOURCES += %D%/main.c
