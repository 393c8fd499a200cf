kith_SOURCES += %D%/main.c
