#include "http/ws.h"

#include <string.h>

#include <openssl/evp.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const char *
kith_ws_protocol_name(enum kith_ws_protocol p)
{
	return p == KITH_WS_JSON ? "kith.json" : p == KITH_WS_MSGPACK ? "kith.msgpack" : "";
}

/* SHA-1 of the key and the guid, in base64. */
static bool
accept_of(struct kith_slice key, char accept[KITH_WS_ACCEPT_LEN + 1])
{
	uint8_t text[KITH_WS_KEY_LEN + sizeof(guid) - 1], hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	memcpy(text, key.p, KITH_WS_KEY_LEN);
	memcpy(text + KITH_WS_KEY_LEN, guid, sizeof(guid) - 1);
	if (EVP_Digest(text, sizeof(text), hash, &n, EVP_sha1(), NULL) != 1)
		return false;
	(void)EVP_EncodeBlock((unsigned char *)accept, hash, (int)n);
	return true;
}

/* 16 bytes in base64: 22 characters and two signs of equality. */
static bool
key_ok(struct kith_slice key)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	if (key.n != KITH_WS_KEY_LEN || key.p[22] != '=' || key.p[23] != '=')
		return false;
	for (i = 0; i < 22; i++) {
		if (memchr(alphabet, key.p[i], sizeof(alphabet) - 1) == NULL)
			return false;
	}
	return true;
}

static bool
has_token(const struct kith_http_head *h, const char *name, const char *token)
{
	size_t i;

	for (i = 0; i < h->n_fields; i++) {
		if (kith_http_same_name(h->fields[i].name, name) && kith_http_has_token(h->fields[i].value, token))
			return true;
	}
	return false;
}

/* The first of ours that the client offers. DENIED: it offers, and none is ours. */
static int
choose(const struct kith_http_head *h, enum kith_ws_protocol *out)
{
	struct kith_slice list, name;
	bool offered = false;
	const uint8_t *comma;
	size_t i;
	int p;

	for (i = 0; i < h->n_fields; i++) {
		if (!kith_http_same_name(h->fields[i].name, "sec-websocket-protocol"))
			continue;
		offered = true;
		for (list = h->fields[i].value; list.n > 0; list = kith_slice_from(list, name.n + (comma != NULL))) {
			comma = memchr(list.p, ',', list.n);
			name = kith_slice_of(list.p, comma != NULL ? (size_t)(comma - list.p) : list.n);
			for (p = KITH_WS_JSON; p <= KITH_WS_MSGPACK; p++) {
				if (kith_http_has_token(name, kith_ws_protocol_name((enum kith_ws_protocol)p))) {
					*out = (enum kith_ws_protocol)p;
					return KITH_OK;
				}
			}
		}
	}
	*out = KITH_WS_NONE;
	return offered ? KITH_E_DENIED : KITH_OK;
}

bool
kith_ws_wrong_version(const struct kith_http_head *h)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(h, "sec-websocket-version", &n);

	return n != 1 || !kith_slice_is(*v, "13");
}

int
kith_ws_handshake(const struct kith_http_head *h, enum kith_ws_protocol *protocol, char accept[KITH_WS_ACCEPT_LEN + 1])
{
	const struct kith_slice *key;
	size_t n;
	int r;

	if (!has_token(h, "upgrade", "websocket"))
		return KITH_E_NOTFOUND;
	key = kith_http_field(h, "sec-websocket-key", &n);
	if (h->method != KITH_HTTP_GET || !h->upgrade || h->has_body || n != 1 || !key_ok(*key) || kith_ws_wrong_version(h))
		return KITH_E_MALFORMED;
	r = choose(h, protocol);
	if (r != KITH_OK)
		return r;
	return accept_of(*key, accept) ? KITH_OK : KITH_E_NOMEM;
}

void
kith_ws_put_accept(struct kith_buf *b, enum kith_ws_protocol protocol, const char *accept)
{
	kith_http_put_status(b, 101);
	kith_http_put_field(b, "Upgrade", kith_slice_str("websocket"));
	kith_http_put_field(b, "Connection", kith_slice_str("Upgrade"));
	kith_http_put_field(b, "Sec-WebSocket-Accept", kith_slice_str(accept));
	if (protocol != KITH_WS_NONE)
		kith_http_put_field(b, "Sec-WebSocket-Protocol", kith_slice_str(kith_ws_protocol_name(protocol)));
	kith_http_put_end(b);
}

void
kith_ws_put_handshake(struct kith_buf *b, const uint8_t random[16], enum kith_ws_protocol protocol,
    char key[KITH_WS_KEY_LEN + 1])
{
	(void)EVP_EncodeBlock((unsigned char *)key, random, 16);
	kith_http_put_field(b, "Upgrade", kith_slice_str("websocket"));
	kith_http_put_field(b, "Connection", kith_slice_str("Upgrade"));
	kith_http_put_field(b, "Sec-WebSocket-Key", kith_slice_str(key));
	kith_http_put_field(b, "Sec-WebSocket-Version", kith_slice_str("13"));
	if (protocol != KITH_WS_NONE)
		kith_http_put_field(b, "Sec-WebSocket-Protocol", kith_slice_str(kith_ws_protocol_name(protocol)));
}

int
kith_ws_check_accept(const struct kith_http_head *h, const char *key, enum kith_ws_protocol protocol)
{
	char want[KITH_WS_ACCEPT_LEN + 1];
	const struct kith_slice *v;
	size_t n;

	if (h->status != 101)
		return KITH_E_DENIED;
	if (strlen(key) != KITH_WS_KEY_LEN || !accept_of(kith_slice_str(key), want))
		return KITH_E_MALFORMED;
	v = kith_http_field(h, "sec-websocket-accept", &n);
	if (n != 1 || !kith_slice_is(*v, want) || !h->upgrade || !has_token(h, "upgrade", "websocket") ||
	    kith_http_field(h, "sec-websocket-extensions", NULL) != NULL)
		return KITH_E_MALFORMED;
	v = kith_http_field(h, "sec-websocket-protocol", &n);
	if (protocol == KITH_WS_NONE ? n != 0 : n != 1 || !kith_slice_is(*v, kith_ws_protocol_name(protocol)))
		return KITH_E_MALFORMED;
	return KITH_OK;
}
