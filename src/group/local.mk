# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/cut.c %D%/cut.h
libkithcore_a_SOURCES += %D%/record.c %D%/record.h %D%/op.c
libkithcore_a_SOURCES += %D%/authority.c %D%/authority.h %D%/plane.h %D%/act.c %D%/facts.c %D%/may.c
libkithcore_a_SOURCES += %D%/pool.c %D%/resolve.c %D%/verify.c %D%/view.c
