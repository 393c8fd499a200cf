#include "daemon/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypto/sign.h"
#include "daemon/log.h"
#include "daemon/pool.h"
#include "wire/mp.h"

#define THREADS 2
#define QUEUE 64
#define MAIL_MS 30000
#define PAGE_MS 20000
#define PASSWORD_MAX 512

struct kith_outside {
	struct kith_helpers *helpers;
	struct kith_pool *pool;
	pthread_mutex_t lock;
	char *server, *user, *password_file, *from, *name;      /* under lock */
	bool private;
};

struct job {
	struct kith_outside *o;
	struct kith_buf bytes;          /* of a page; of a mail what follows the server's part */
	bool mail;
	void (*done)(void *arg, enum kith_egress_outcome outcome, unsigned status);
	void *arg;
};

/* ---- settings ---- */

static void
settings_free(struct kith_outside *o)
{
	free(o->server);
	free(o->user);
	free(o->password_file);
	free(o->from);
	free(o->name);
}

int
kith_outside_set(struct kith_outside *o, const struct kith_conf *conf)
{
	struct kith_outside fresh = {
		.server = strdup(conf->smtp), .user = strdup(conf->smtp_user), .password_file = strdup(conf->smtp_password_file),
		.from = strdup(conf->mail_from), .name = strdup(conf->name[0] != '\0' ? conf->name : "Kith"),
	};

	if (fresh.server == NULL || fresh.user == NULL || fresh.password_file == NULL || fresh.from == NULL || fresh.name == NULL) {
		settings_free(&fresh);
		return KITH_E_NOMEM;
	}
	pthread_mutex_lock(&o->lock);
	settings_free(o);
	o->server = fresh.server;
	o->user = fresh.user;
	o->password_file = fresh.password_file;
	o->from = fresh.from;
	o->name = fresh.name;
	o->private = conf->private_pages;
	pthread_mutex_unlock(&o->lock);
	return KITH_OK;
}

struct kith_outside *
kith_outside_new(struct kith_helpers *helpers, const struct kith_conf *conf)
{
	struct kith_outside *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->helpers = helpers;
	pthread_mutex_init(&o->lock, NULL);
	o->pool = kith_pool_new("outside", THREADS, QUEUE);
	if (o->pool == NULL || kith_outside_set(o, conf) != KITH_OK) {
		kith_outside_free(o);
		return NULL;
	}
	return o;
}

void
kith_outside_stop(struct kith_outside *o)
{
	if (o == NULL)
		return;
	kith_pool_free(o->pool);
	o->pool = NULL;
}

void
kith_outside_free(struct kith_outside *o)
{
	if (o == NULL)
		return;
	kith_outside_stop(o);
	settings_free(o);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

bool
kith_outside_mails(const struct kith_helpers *helpers, const struct kith_conf *conf)
{
	return conf->smtp[0] != '\0' && kith_helpers_has(helpers, KITH_HELPER_EGRESS);
}

/* ---- one job ---- */

/* The first line of the file; read each time, so that a changed one is used at once. */
static int
read_password(const char *path, char out[PASSWORD_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	out[0] = '\0';
	if (fd < 0)
		return KITH_E_IO;
	do
		n = read(fd, out, PASSWORD_MAX - 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n < 0)
		return KITH_E_IO;
	out[n] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return KITH_OK;
}

static int
put_server(struct kith_outside *o, struct kith_buf *b)
{
	char password[PASSWORD_MAX] = "";
	int r = KITH_OK;

	pthread_mutex_lock(&o->lock);
	if (o->password_file[0] != '\0') {
		r = read_password(o->password_file, password);
		if (r != KITH_OK)
			KITH_LOG(WARN, "mail", "smtp_password_file %s cannot be read: %s", o->password_file, strerror(errno));
	}
	kith_mp_put_cstr(b, o->server);
	kith_mp_put_cstr(b, o->user);
	kith_mp_put_cstr(b, password);
	kith_mp_put_cstr(b, o->from);
	kith_mp_put_cstr(b, o->name);
	pthread_mutex_unlock(&o->lock);
	kith_wipe(password, sizeof(password));
	return r;
}

/* [version, outcome, status, text] of a process that has met strangers. */
static enum kith_egress_outcome
take_answer(struct kith_slice a, unsigned *status, char *why, size_t why_len)
{
	static const struct kith_mp_limits lim = { .depth = 1, .values = 8, .nil = false };
	struct kith_mp_reader rd;
	struct kith_slice text;
	uint64_t version, outcome, code;

	if (kith_mp_check(a, &lim) != KITH_OK)
		return KITH_EGRESS_FAILED;
	kith_mp_read(&rd, a);
	kith_mp_array_exact(&rd, 4);
	version = kith_mp_uint(&rd);
	outcome = kith_mp_uint(&rd);
	code = kith_mp_uint(&rd);
	text = kith_mp_str(&rd);
	if (!kith_mp_done(&rd) || version != KITH_EGRESS_VERSION || outcome > KITH_EGRESS_BAD)
		return KITH_EGRESS_FAILED;
	*status = code < 1000 ? (unsigned)code : 0;
	snprintf(why, why_len, "%.*s", (int)(text.n < why_len ? text.n : why_len - 1), (const char *)text.p);
	return (enum kith_egress_outcome)outcome;
}

static void
job_free(struct job *j)
{
	if (j->bytes.p != NULL)
		kith_wipe(j->bytes.p, j->bytes.n);
	kith_buf_fini(&j->bytes);
	free(j);
}

static void
run(void *arg, bool go)
{
	struct job *j = arg;
	enum kith_egress_outcome outcome = KITH_EGRESS_FAILED;
	struct kith_helper_job job = { .which = KITH_HELPER_EGRESS, .fd = -1, .limit_ms = j->mail ? MAIL_MS : PAGE_MS };
	struct kith_buf head, answer;
	char why[256] = "";
	unsigned status = 0;
	int r = KITH_E_BUSY;

	kith_buf_init(&head, KITH_EGRESS_JOB_MAX);
	kith_buf_init(&answer, KITH_EGRESS_ANSWER_MAX);
	if (go && kith_helpers_has(j->o->helpers, KITH_HELPER_EGRESS)) {
		kith_mp_put_array(&head, j->mail ? 10 : 5);
		kith_mp_put_uint(&head, KITH_EGRESS_VERSION);
		kith_mp_put_uint(&head, j->mail ? KITH_EGRESS_MAIL : KITH_EGRESS_PAGE);
		r = j->mail ? put_server(j->o, &head) : KITH_OK;
		kith_buf_put_slice(&head, kith_buf_slice(&j->bytes));
		job.head = kith_buf_slice(&head);
		if (r == KITH_OK)
			r = kith_buf_err(&head);
		if (r == KITH_OK)
			r = kith_helper_run(j->o->helpers, &job, &answer);
		if (r == KITH_OK)
			outcome = take_answer(kith_buf_slice(&answer), &status, why, sizeof(why));
	}
	if (j->mail && go && outcome != KITH_EGRESS_OK)
		KITH_LOG(WARN, "mail", "a mail was not sent: %s", r != KITH_OK ? kith_err_name(r) : why[0] != '\0' ? why : "refused");
	if (j->done != NULL)
		j->done(j->arg, outcome, status);
	if (head.p != NULL)
		kith_wipe(head.p, head.n);
	kith_buf_fini(&head);
	kith_buf_fini(&answer);
	job_free(j);
}

static int
submit(struct job *j)
{
	int r = kith_buf_err(&j->bytes);

	if (r == KITH_OK)
		r = kith_pool_submit(j->o->pool, run, j);
	if (r != KITH_OK)
		job_free(j);
	return r;
}

void
kith_outside_mail(struct kith_outside *o, const char *to, const char *subject, const char *text)
{
	struct job *j = calloc(1, sizeof(*j));
	int r = KITH_E_NOMEM;

	if (j != NULL) {
		j->o = o;
		j->mail = true;
		kith_buf_init(&j->bytes, 0);
		kith_mp_put_cstr(&j->bytes, to);
		kith_mp_put_cstr(&j->bytes, subject);
		kith_mp_put_cstr(&j->bytes, text);
		r = submit(j);
	}
	if (r != KITH_OK)
		KITH_LOG(WARN, "mail", "a mail was not sent: %s", kith_err_name(r));
}

int
kith_outside_page(struct kith_outside *o, struct kith_slice url, struct kith_slice origin,
    void (*done)(void *arg, enum kith_egress_outcome outcome, unsigned status), void *arg)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return KITH_E_NOMEM;
	j->o = o;
	j->done = done;
	j->arg = arg;
	kith_buf_init(&j->bytes, 0);
	kith_mp_put_str(&j->bytes, url);
	kith_mp_put_str(&j->bytes, origin);
	pthread_mutex_lock(&o->lock);
	kith_mp_put_bool(&j->bytes, o->private);
	pthread_mutex_unlock(&o->lock);
	return submit(j);
}
