#ifndef KITH_HTTP_PARSE_H
#define KITH_HTTP_PARSE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * HTTP/1.1 as we take it: bytes in, events out, and no sockets. What two
 * readers could understand in two ways is refused: CRLF alone ends a line, no
 * folding, no space before a colon, one Host, one Content-Length of digits
 * only, Transfer-Encoding exactly "chunked" and never beside a length, chunk
 * sizes of 1 to 8 hex digits, no chunk extensions, no trailers. One request at
 * a time: what follows one is left with the caller.
 */
enum {
	KITH_HTTP_LINE_MAX = 8192,      /* bytes in any one line, without its CRLF */
	KITH_HTTP_FIELDS_MAX = 64,
	KITH_HTTP_HEAD_MAX = 32768,     /* bytes in all field lines, with their CRLFs */
};

enum kith_http_method {
	KITH_HTTP_GET, KITH_HTTP_HEAD, KITH_HTTP_POST, KITH_HTTP_PUT, KITH_HTTP_DELETE, KITH_HTTP_PATCH,
	KITH_HTTP_OPTIONS,
	KITH_HTTP_OTHER_METHOD,         /* a valid token that we do not know: answered 501 by the reader */
};

struct kith_http_field {
	struct kith_slice name;         /* as sent; compare without case */
	struct kith_slice value;        /* without blanks around it; no control characters */
};

/* The head of one message. Slices are borrowed from the reader until kith_http_reader_next or _fini. */
struct kith_http_head {
	bool response;
	/* of a request */
	enum kith_http_method method;
	struct kith_slice method_name;
	struct kith_slice target;       /* origin-form: begins with '/', visible ASCII, no '#' */
	struct kith_slice path, query;  /* target about its first '?', undecoded; query without the '?' */
	struct kith_slice host;         /* the one Host; a name or address with an optional :port, syntax checked */
	/* of a response */
	int status;
	/* of both */
	struct kith_http_field fields[KITH_HTTP_FIELDS_MAX];
	size_t n_fields;
	bool has_body, chunked;         /* a length of zero is no body */
	uint64_t length;                /* when not chunked */
	bool keep_alive;                /* false after "Connection: close" */
	bool upgrade;                   /* "Connection: upgrade" */
	bool expect_continue;
};

/* The first field of this name (lower case), or NULL; *n, when given, is how many there are. */
const struct kith_slice *kith_http_field(const struct kith_http_head *h, const char *name, size_t *n);
struct kith_slice kith_http_trim(struct kith_slice s);  /* without blanks around it */
/* Whether a comma-separated list has this token (compared without case). */
bool kith_http_has_token(struct kith_slice list, const char *token);
/* The value of this cookie, from exactly one Cookie field; false when absent or given twice. */
bool kith_http_cookie(const struct kith_http_head *h, const char *name, struct kith_slice *value);
/* "Authorization: Bearer TOKEN": the token; false when there is none or the field is there twice. */
bool kith_http_bearer(const struct kith_http_head *h, struct kith_slice *token);
bool kith_http_same_name(struct kith_slice a, const char *lower);       /* without ASCII case */

enum kith_http_event {
	KITH_HTTP_MORE,                 /* all input is used; the message goes on */
	KITH_HTTP_HEADERS,              /* the head is complete: kith_http_reader_head */
	KITH_HTTP_BODY,                 /* *body is a piece of the body, borrowed from the input */
	KITH_HTTP_DONE,                 /* the message is complete; call kith_http_reader_next to go on */
	KITH_HTTP_ERROR,                /* answer kith_http_reader_status and close; nothing more is read */
};

struct kith_http_reader;

/* A reader of requests, or of responses. NULL: out of memory. */
struct kith_http_reader *kith_http_reader_new(bool responses);
void kith_http_reader_free(struct kith_http_reader *r);         /* NULL is fine */
/*
 * Takes bytes from the front of in until there is something to say; *used is
 * how many (always all of them for MORE). Call again with the rest, even of no
 * bytes, until it says MORE, DONE or ERROR.
 * For responses: one that has neither length nor chunks, where a body is due, is an error.
 */
enum kith_http_event kith_http_read(struct kith_http_reader *r, struct kith_slice in, size_t *used,
    struct kith_slice *body);
const struct kith_http_head *kith_http_reader_head(const struct kith_http_reader *r);   /* after HEADERS; borrowed */
/* After ERROR: 400, 414, 417, 431, 500 (out of memory), 501 or 505; of a response: 502. */
int kith_http_reader_status(const struct kith_http_reader *r);
uint64_t kith_http_reader_owed(const struct kith_http_reader *r);       /* bytes of a chunk that has been announced and are still to come */
bool kith_http_reader_begun(const struct kith_http_reader *r);  /* has taken a byte of the message at hand */
void kith_http_reader_next(struct kith_http_reader *r);         /* forget the message at hand; memory is kept */
void kith_http_reader_rest(struct kith_http_reader *r);         /* as _next, and give memory back: the line is idle */

/* The host of "name", "name:port", "1.2.3.4:port" or "[::1]:port", without brackets; *port 0 when absent. */
KITH_MUST_USE int kith_http_split_host(struct kith_slice host, struct kith_slice *name, unsigned *port);     /* MALFORMED */

/*
 * Writing. A message is head_begin, any fields, head_end, then the body as it
 * is. Errors stick in the buffer. A field whose name is not a token, or whose
 * value has control characters (a CR, an LF, a NUL ...), sets MALFORMED there and
 * leaves no bytes: no header can be injected.
 */
void kith_http_put_status(struct kith_buf *b, int status);
void kith_http_put_request(struct kith_buf *b, const char *method, struct kith_slice target, struct kith_slice host);
void kith_http_put_field(struct kith_buf *b, const char *name, struct kith_slice value);
void kith_http_put_length(struct kith_buf *b, uint64_t n);
void kith_http_put_end(struct kith_buf *b);
const char *kith_http_status_text(int status);                  /* "Not Found"; static, never NULL */

#endif
