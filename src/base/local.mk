# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/arena.h
libkithcore_a_SOURCES += %D%/b32.h
libkithcore_a_SOURCES += %D%/buf.h
libkithcore_a_SOURCES += %D%/env.h
libkithcore_a_SOURCES += %D%/error.h
libkithcore_a_SOURCES += %D%/map.h
libkithcore_a_SOURCES += %D%/slice.h
