#ifndef KITH_CTL_CTL_H
#define KITH_CTL_CTL_H

/*
 * What the commands of kithctl share. Each gets the words behind its name and
 * returns the exit status: 0, 1 (it did not work), 2 (asked wrongly).
 */
struct kith_ctl {
	const char *state_dir;          /* --state; NULL: the default */
};

/* over the control socket: talk.c */
int kith_ctl_status(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_peers(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_groups(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_account(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_invite(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_verify(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_reload(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_stop(const struct kith_ctl *c, int argc, char **argv);

/* with kithd or without it: files.c */
int kith_ctl_node_id(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_keys(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_backup(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_restore(const struct kith_ctl *c, int argc, char **argv);

/* files alone */
int kith_ctl_resolve(const struct kith_ctl *c, int argc, char **argv);
int kith_ctl_judge(const struct kith_ctl *c, int argc, char **argv);

#endif
