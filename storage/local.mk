# mem.c goes to libkithcore_a_SOURCES, lmdb.c to libkithedge_a_SOURCES
libkithcore_a_SOURCES += %D%/store.c %D%/store.h %D%/mem.c
libkithcore_a_SOURCES += %D%/ledger.c %D%/ledger.h
libkithedge_a_SOURCES += %D%/lmdb.c %D%/lmdb.h %D%/disk.c %D%/disk.h
