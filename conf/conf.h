#ifndef KITH_CONF_CONF_H
#define KITH_CONF_CONF_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * kithd's configuration. One table of options (conf.c) drives the reader, the
 * printer of `kithd -t`, the command line and the test that kithd.conf.5 names
 * each. Nothing here opens a file or a socket.
 */

/* count events per per_ms, burst at once; count 0: no limit */
struct kith_conf_rate {
	uint32_t count, burst;
	uint64_t per_ms;
};
enum kith_conf_rates {
	KITH_CONF_SEND, KITH_CONF_LOGIN, KITH_CONF_LOGIN_ADDRESS, KITH_CONF_REGISTER, KITH_CONF_JOIN, KITH_CONF_GROUP,
	KITH_CONF_INVITE, KITH_CONF_AUTHORITY, KITH_CONF_READ, KITH_CONF_UPLOAD, KITH_CONF_PAGE, KITH_CONF_RATES_
};

enum kith_conf_registration { KITH_CONF_REG_AUTO, KITH_CONF_REG_OPEN, KITH_CONF_REG_INVITE, KITH_CONF_REG_CLOSED };
enum kith_conf_plain { KITH_CONF_PLAIN_AUTO, KITH_CONF_PLAIN_ALLOW, KITH_CONF_PLAIN_REDIRECT, KITH_CONF_PLAIN_REFUSE };

struct kith_conf_list {
	char **v;
	size_t n;
};

#define KITH_CONF_OPTIONS_MAX 48

struct kith_conf {
	char *name;                     /* "": the host's */
	char *listen_client;            /* ADDR:PORT */
	char *listen_peer;              /* ADDR:PORT, "none", or "auto" before kith_conf_finish */
	struct kith_conf_list advertise, peer;
	char *url;                      /* "": from listen_client */
	char *web_root;                 /* "": the web client that is linked in */
	struct kith_conf_list hosts, admins, trusted_proxies, refuse_nodes;
	uint64_t registration;          /* enum kith_conf_registration */
	char *tls_cert, *tls_key;       /* "": self-signed */
	uint64_t plain_http;            /* enum kith_conf_plain */
	uint64_t max_connections, reactors, map_size, disk_limit;
	bool listed, full_copies;
	uint64_t log_level;             /* as struct kith_env has it: 0 debug to 3 error */
	char *user;
	struct kith_conf_rate rate[KITH_CONF_RATES_];
	uint64_t max_upload, quota;     /* bytes: of one file; of all of one account, 0: no limit */
	char *smtp, *smtp_user, *smtp_password_file, *mail_from;        /* smtp "": no mail */
	bool private_pages;             /* pages at private addresses may be looked at */

	uint8_t from[KITH_CONF_OPTIONS_MAX];    /* enum kith_conf_from, by option */
};

enum kith_conf_from { KITH_CONF_DEFAULT, KITH_CONF_FILE, KITH_CONF_COMMAND };

/* All defaults. NOMEM. */
KITH_MUST_USE int kith_conf_init(struct kith_conf *c);
void kith_conf_fini(struct kith_conf *c);                       /* safe twice */

/*
 * One option. The command line beats the file whichever comes first; a list
 * given again on the command line grows, anything else given twice from one place
 * is refused. MALFORMED, NOTFOUND (no such option): d has the sentence. NOMEM.
 */
KITH_MUST_USE int kith_conf_set(struct kith_conf *c, const char *name, struct kith_slice value, enum kith_conf_from from,
    struct kith_diag *d);
/* A whole file, already read; `file` is for d, which gets the line too. Stops at the first mistake. */
KITH_MUST_USE int kith_conf_parse(struct kith_conf *c, struct kith_slice text, const char *file, struct kith_diag *d);
/* What depends on several options: fills in what is "auto", refuses what does not go together. */
KITH_MUST_USE int kith_conf_finish(struct kith_conf *c, struct kith_diag *d);
/* All options as a file that says the same. */
void kith_conf_print(const struct kith_conf *c, struct kith_buf *out);

/* The table, for the printer of differences, the manual page's test and reloads. */
size_t kith_conf_count(void);
const char *kith_conf_name(size_t i);
bool kith_conf_is_live(size_t i);                               /* takes effect on reload */
bool kith_conf_same(const struct kith_conf *a, const struct kith_conf *b, size_t i);
/* dst's option i becomes src's. NOMEM: dst unchanged. */
KITH_MUST_USE int kith_conf_copy(struct kith_conf *dst, const struct kith_conf *src, size_t i);

/* "127.0.0.1:7370", "[::1]:0": numbers only, port always. */
bool kith_conf_is_addr(struct kith_slice s);
/* "example.org:7371" too; the port is not 0. */
bool kith_conf_is_hostport(struct kith_slice s);

#endif
