#ifndef KITH_CLI_SESSION_H
#define KITH_CLI_SESSION_H

#include "cli/cli.h"
#include "cli/net.h"

/*
 * Who one is signed in as: a file of mode 0600 for each (node, account) in the
 * folder KITH_HOME, which is ours alone. The file that was written last is the
 * default.
 */
struct cli_session {
	char file[512];
	char url[300];
	char uid[KITH_ID_STR], node[KITH_ID_STR];       /* node: the home; "" when it is not known */
	char handle[512];                               /* name#1234 */
	char token[128];
	json_int_t at_ms;                               /* when it was made */
};
void cli_session_free(struct cli_session *s);           /* wipes; NULL is fine */

/* KITH_HOME, made if it is missing; refused in words if others may look in. */
int cli_home(char *out, size_t cap);
/* The file that http.c wants: keys of nodes. */
int cli_known_file(char *out, size_t cap);

/* Where to talk to when nobody is signed in: --url, KITH_URL or the default. */
int cli_session_url(struct cli *c, struct cli_url *out);
/* c->session: by --url or KITH_URL, and --as; the newest. FAILED when there is none, or several of that name. */
int cli_session_pick(struct cli *c);
/*
 * Writes a new one (token, uid, handle, url, node are set) over what there was for the account,
 * and makes it c->session.
 */
int cli_session_keep(struct cli *c, const struct cli_session *s);
int cli_session_forget(struct cli *c);

#endif
