# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/cut.c %D%/cut.h
libkithcore_a_SOURCES += %D%/record.c %D%/record.h %D%/op.c
