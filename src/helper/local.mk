libkithedge_a_SOURCES += %D%/helper.c %D%/helper.h %D%/starter.c %D%/starter.h
# What helpers are made of besides their own: they see base, and never libkithedge.a.
helper_sources = %D%/sandbox.c %D%/sandbox.h %D%/serve.c %D%/serve.h
helper_libs = libkithcore.a $(SECCOMP_LIBS)
