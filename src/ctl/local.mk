kithctl_SOURCES += %D%/main.c %D%/ctl.h
kithctl_SOURCES += %D%/judgefile.c %D%/judgefile.h %D%/judgebuild.c %D%/resolve.c
