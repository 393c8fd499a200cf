libkithcore_a_SOURCES += %D%/sign.c %D%/sign.h

unit_tests += tests/unit/crypto/test_sign
libkithedge_a_SOURCES += %D%/keyfile.c %D%/keyfile.h
libkithedge_a_SOURCES += %D%/tls.c %D%/tls_web.c %D%/tls.h %D%/tls_cert.h
unit_tests += tests/unit/crypto/test_keyfile tests/unit/crypto/test_tls
