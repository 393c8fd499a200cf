# tls.c and keyfile.c go to libkithedge_a_SOURCES, the rest to libkithcore_a_SOURCES
libkithcore_a_SOURCES += %D%/sign.c %D%/sign.h

unit_tests += tests/unit/crypto/test_sign
