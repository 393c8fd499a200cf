# The web client: one archive, made in the source folder, where the tarball brings it too.
if WEB
AM_CPPFLAGS += -DKITH_WEB_PACK='"$(abs_top_srcdir)/%D%/web.pack"'
src/daemon/linked.$(OBJEXT): $(srcdir)/%D%/web.pack
endif
if WEB_BUILD
$(srcdir)/%D%/node_modules/.package-lock.json: $(srcdir)/%D%/package-lock.json
	$(AM_V_GEN)cd $(srcdir)/%D% && { $(NPM) ci --no-progress --prefer-offline --ignore-scripts >npm.log 2>&1 || { cat npm.log; exit 1; }; }
	@touch $@

# build.mjs itself sees whether anything is newer than the archive.
$(srcdir)/%D%/web.pack: $(srcdir)/%D%/node_modules/.package-lock.json web-always
	$(AM_V_GEN)cd $(srcdir)/%D% && $(NODE) build.mjs --pack web.pack --unless-newer
endif
.PHONY: web-always
web-always:
