libkithedge_a_SOURCES += %D%/conf.c %D%/conf.h
