# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/doc.c %D%/doc.h
libkithcore_a_SOURCES += %D%/invite.c %D%/invite.h
libkithcore_a_SOURCES += %D%/node.c %D%/node.h
