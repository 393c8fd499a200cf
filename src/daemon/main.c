#include <stdio.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buf.h"
#include "daemon/daemon.h"

static int
complain(const struct kith_diag *d, int status)
{
	fputs("kithd: ", stderr);
	if (d->file[0] != '\0')
		fprintf(stderr, d->line > 0 ? "%s, line %d: " : "%s: ", d->file, d->line);
	fprintf(stderr, "%s\n", d->text);
	return status;
}

static int
test(const struct kith_conf *conf)
{
	struct kith_diag d = { .text = "" };
	struct kith_buf out;
	int status = KITH_EXIT_OK;

	if (kith_daemon_check(conf, &d) != KITH_OK)
		return complain(&d, KITH_EXIT_REFUSED);
	kith_buf_init(&out, 0);
	kith_conf_print(conf, &out);
	if (kith_buf_err(&out) != KITH_OK || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
		status = KITH_EXIT_REFUSED;
	kith_buf_fini(&out);
	return status;
}

int
main(int argc, char **argv)
{
	struct kith_options o;
	struct kith_conf conf;
	struct kith_diag d;
	int status;

	if (sodium_init() < 0) {
		fputs("kithd: libsodium cannot be used here\n", stderr);
		return KITH_EXIT_REFUSED;
	}
	if (kith_options_parse(argc, argv, &o, &d) != KITH_OK)
		return complain(&d, KITH_EXIT_USAGE);
	if (o.help) {
		fputs(kith_options_usage, stdout);
		status = KITH_EXIT_OK;
	} else if (o.version) {
		puts("kithd " PACKAGE_VERSION);
		status = KITH_EXIT_OK;
	} else if (kith_options_conf(&o, &conf, &d) != KITH_OK) {
		status = complain(&d, d.file[0] != '\0' ? KITH_EXIT_REFUSED : KITH_EXIT_USAGE);
	} else if (o.test) {
		status = test(&conf);
		kith_conf_fini(&conf);
	} else if (o.state == NULL) {
		fputs("kithd: say where everything is to be kept: --state DIR\n", stderr);
		fputs(kith_options_usage, stderr);
		kith_conf_fini(&conf);
		status = KITH_EXIT_USAGE;
	} else {
		status = kith_daemon_run(&o, &conf);
	}
	kith_options_fini(&o);
	return status;
}
