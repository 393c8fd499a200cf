#ifndef KITH_CTL_CTL_H
#define KITH_CTL_CTL_H

/*
 * What the commands of kithctl share. Each gets the words behind its name and
 * returns the exit status: 0, 1 (it did not work), 2 (asked wrongly).
 */
struct kith_ctl {
	const char *state_dir;          /* --state; NULL: the default */
};

int kith_ctl_resolve(const struct kith_ctl *c, int argc, char **argv);

#endif
