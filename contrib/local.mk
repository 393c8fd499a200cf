# -- the service, and the user it runs as
systemdsystemunit_DATA = %D%/systemd/kithd.service
sysusersdir = $(prefix)/lib/sysusers.d
CLEANFILES += %D%/systemd/kithd.service
EXTRA_DIST += %D%/systemd/kithd.service.in %D%/systemd/kith.sysusers

%D%/systemd/kithd.service: %D%/systemd/kithd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D%/systemd && \
	$(SED) 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/%D%/systemd/kithd.service.in >$@.tmp && mv $@.tmp $@

install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/%D%/systemd/kith.sysusers '$(DESTDIR)$(sysusersdir)/kith.conf'

uninstall-hook:
	rm -f '$(DESTDIR)$(sysusersdir)/kith.conf'

# -- tests of the build itself; the programs are looked at only as users get them
script_tests += %D%/dev/check-purity.sh
plain_tests += %D%/dev/check-hardening.sh
EXTRA_DIST += %D%/dev/purity.allow %D%/dev/lib.sh %D%/dev/sanitizers.sh %D%/dev/deps %D%/dev/fuzz \
	%D%/dev/coverage %D%/check %D%/quickstart .ci/run

# -- for contrib/check and contrib/dev/fuzz
.PHONY: list-fuzz-targets list-unit-tests list-plain-tests list-sources list-cflags
list-fuzz-targets:
	@echo $(fuzz_targets)
list-unit-tests:
	@echo $(unit_tests)
list-plain-tests:
	@echo $(plain_tests)
list-sources:
	@echo $(libkithcore_a_SOURCES) $(libkithedge_a_SOURCES) $(kithd_SOURCES) $(kithctl_SOURCES) $(kith_SOURCES)
list-cflags:
	@echo $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS) -std=c11 $(SODIUM_CFLAGS) $(MSGPACK_CFLAGS) $(EVENT_CFLAGS) \
	    $(OPENSSL_CFLAGS) $(LMDB_CFLAGS) $(WSLAY_CFLAGS) $(JANSSON_CFLAGS) $(QRENCODE_CFLAGS)
