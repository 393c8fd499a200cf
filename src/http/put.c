#include "http/parse.h"

#include <string.h>

const char *
kith_http_status_text(int status)
{
	switch (status) {
	case 100: return "Continue";
	case 101: return "Switching Protocols";
	case 200: return "OK";
	case 201: return "Created";
	case 202: return "Accepted";
	case 204: return "No Content";
	case 206: return "Partial Content";
	case 301: return "Moved Permanently";
	case 302: return "Found";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 308: return "Permanent Redirect";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 416: return "Range Not Satisfiable";
	case 417: return "Expectation Failed";
	case 421: return "Misdirected Request";
	case 422: return "Unprocessable Content";
	case 426: return "Upgrade Required";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	case 507: return "Insufficient Storage";
	default: return "Status";
	}
}

static bool
clean(struct kith_slice s, bool blanks)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f || (!blanks && s.p[i] == ' '))
			return false;
	}
	return true;
}

static bool
name_ok(const char *name)
{
	return name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(name);
}

static void
refuse(struct kith_buf *b)
{
	if (b->err == KITH_OK)
		b->err = KITH_E_MALFORMED;
}

void
kith_http_put_status(struct kith_buf *b, int status)
{
	kith_assert(status >= 100 && status <= 599);
	kith_buf_printf(b, "HTTP/1.1 %d %s\r\n", status, kith_http_status_text(status));
}

void
kith_http_put_request(struct kith_buf *b, const char *method, struct kith_slice target, struct kith_slice host)
{
	if (!name_ok(method) || target.n == 0 || target.p[0] != '/' || !clean(target, false) || host.n == 0 ||
	    !clean(host, false)) {
		refuse(b);
		return;
	}
	kith_buf_put_str(b, method);
	kith_buf_put_str(b, " ");
	kith_buf_put_slice(b, target);
	kith_buf_put_str(b, " HTTP/1.1\r\n");
	kith_http_put_field(b, "Host", host);
}

void
kith_http_put_field(struct kith_buf *b, const char *name, struct kith_slice value)
{
	if (!name_ok(name) || !clean(value, true)) {
		refuse(b);
		return;
	}
	kith_buf_put_str(b, name);
	kith_buf_put_str(b, ": ");
	kith_buf_put_slice(b, value);
	kith_buf_put_str(b, "\r\n");
}

void
kith_http_put_length(struct kith_buf *b, uint64_t n)
{
	kith_buf_printf(b, "Content-Length: %llu\r\n", (unsigned long long)n);
}

void
kith_http_put_end(struct kith_buf *b)
{
	kith_buf_put_str(b, "\r\n");
}
