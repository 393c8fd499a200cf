# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/doc.h
libkithcore_a_SOURCES += %D%/invite.h
libkithcore_a_SOURCES += %D%/node.h
