kithctl_SOURCES += %D%/main.c %D%/ctl.h
kithctl_SOURCES += %D%/judgefile.c %D%/judgefile.h %D%/judgebuild.c %D%/judgerun.c %D%/resolve.c
script_tests += tests/model/check.sh
EXTRA_DIST += tests/model/README.md tests/model/READINGS.md tests/model/cases
EXTRA_DIST += tests/model/authority.py tests/model/check_cases.py tests/model/compare.py
EXTRA_DIST += tests/model/generate.py tests/model/judge.py tests/model/worlds.py
kithctl_SOURCES += %D%/ask.c %D%/ask.h %D%/talk.c %D%/files.c
dist_man_MANS += %D%/kithctl.8
