#include "client/openapi.h"

#include <stdio.h>
#include <string.h>

/* ---- words ---- */

static void
put_json(struct kith_buf *b, const char *s)
{
	kith_buf_put_u8(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			kith_buf_put_u8(b, '\\');
		kith_buf_put_u8(b, (uint8_t)*s);
	}
	kith_buf_put_u8(b, '"');
}

static void
put_html(struct kith_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<': kith_buf_put_str(b, "&lt;"); break;
		case '>': kith_buf_put_str(b, "&gt;"); break;
		case '&': kith_buf_put_str(b, "&amp;"); break;
		case '"': kith_buf_put_str(b, "&quot;"); break;
		default: kith_buf_put_u8(b, (uint8_t)*s);
		}
	}
}

/* ---- OpenAPI ---- */

static void
param_schema(struct kith_buf *b, const struct kith_param *p)
{
	switch (p->type) {
	case KITH_P_STR:
		kith_buf_printf(b, "{\"type\":\"string\",\"minLength\":%d,\"maxLength\":%lld", p->min > 0 ? 1 : 0, (long long)p->max);
		break;
	case KITH_P_INT:
		kith_buf_printf(b, "{\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld", (long long)p->min, (long long)p->max);
		break;
	case KITH_P_BOOL:
		kith_buf_put_str(b, "{\"type\":\"boolean\"");
		break;
	case KITH_P_ID:
		kith_buf_put_str(b, "{\"type\":\"string\",\"pattern\":\"^[a-z2-7]{52}$\"");
		break;
	case KITH_P_STRS:
		kith_buf_printf(b, "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":255},\"minItems\":%lld,\"maxItems\":%lld",
		    (long long)p->min, (long long)p->max);
		break;
	case KITH_P_ANY:
		kith_buf_put_str(b, "{");
		kith_buf_put_str(b, "\"description\":");
		put_json(b, p->doc);
		kith_buf_put_u8(b, '}');
		return;
	}
	kith_buf_put_str(b, ",\"description\":");
	put_json(b, p->doc);
	kith_buf_put_u8(b, '}');
}

static void
field_schema(struct kith_buf *b, const struct kith_field *f)
{
	const char *t = f->type;
	bool list = t[0] == '[';
	size_t n = strlen(t);

	if (list) {
		t++;
		n -= 2;
		kith_buf_put_str(b, "{\"type\":\"array\",\"items\":");
	}
	if (n == 3 && strncmp(t, "int", 3) == 0)
		kith_buf_put_str(b, "{\"type\":\"integer\"");
	else if (n == 4 && strncmp(t, "bool", 4) == 0)
		kith_buf_put_str(b, "{\"type\":\"boolean\"");
	else if (n == 2 && strncmp(t, "id", 2) == 0)
		kith_buf_put_str(b, "{\"type\":\"string\",\"pattern\":\"^[a-z2-7]{52}$\"");
	else if (t[0] == '{')
		kith_buf_put_str(b, "{\"type\":\"object\"");
	else
		kith_buf_put_str(b, "{\"type\":\"string\"");
	if (list)
		kith_buf_put_u8(b, '}');
	kith_buf_put_str(b, ",\"description\":");
	put_json(b, f->doc);
	kith_buf_put_u8(b, '}');
}

static void
method_path(struct kith_buf *b, const struct kith_method *m)
{
	bool any = false;

	kith_buf_put_str(b, "\"/api/v1/");
	kith_buf_put_str(b, m->name);
	kith_buf_put_str(b, "\":{\"post\":{\"operationId\":");
	put_json(b, m->name);
	kith_buf_put_str(b, ",\"summary\":");
	put_json(b, m->doc);
	if (m->auth == KITH_AUTH_NONE)
		kith_buf_put_str(b, ",\"security\":[]");
	else if (m->scope != KITH_SCOPE_NONE)
		kith_buf_printf(b, ",\"security\":[{\"token\":[\"%s\"]}]", kith_scope_name(m->scope));
	kith_buf_put_str(b, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; m->params[i].name != NULL; i++) {
		if (i > 0)
			kith_buf_put_u8(b, ',');
		put_json(b, m->params[i].name);
		kith_buf_put_u8(b, ':');
		param_schema(b, &m->params[i]);
		any = any || m->params[i].required;
	}
	kith_buf_put_u8(b, '}');
	if (any) {
		bool first = true;

		kith_buf_put_str(b, ",\"required\":[");
		for (size_t i = 0; m->params[i].name != NULL; i++) {
			if (!m->params[i].required)
				continue;
			if (!first)
				kith_buf_put_u8(b, ',');
			first = false;
			put_json(b, m->params[i].name);
		}
		kith_buf_put_u8(b, ']');
	}
	kith_buf_put_str(b, "}}}},\"responses\":{\"200\":{\"description\":\"done\",\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{");
	for (size_t i = 0; m->result[i].name != NULL; i++) {
		if (i > 0)
			kith_buf_put_u8(b, ',');
		put_json(b, m->result[i].name);
		kith_buf_put_u8(b, ':');
		field_schema(b, &m->result[i]);
	}
	kith_buf_put_str(b, "}}}}},\"default\":{\"$ref\":\"#/components/responses/Error\"}}}}");
}

int
kith_openapi_write(struct kith_buf *out, const struct kith_node_conf *conf)
{
	kith_buf_put_str(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Kith\",\"version\":");
	put_json(out, conf->version);
	kith_buf_put_str(out, ",\"description\":\"Each method is a POST of one object; the same methods by JSON-RPC 2.0 over the WebSocket at /ws.\"},"
	    "\"servers\":[{\"url\":\"/\"}],\"security\":[{\"token\":[]}],\"paths\":{");
	for (size_t i = 0; i < kith_n_methods; i++) {
		if (i > 0)
			kith_buf_put_u8(out, ',');
		method_path(out, &kith_methods[i]);
	}
	kith_buf_put_str(out, "},\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}},"
	    "\"responses\":{\"Error\":{\"description\":\"refused, and why\",\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
	    "\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{"
	    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}}}}}}}}\n");
	return kith_buf_err(out);
}

/* ---- the page ---- */

const char kith_docs_css[] =
    ":root{--bg:#fbfaf6;--surface:#f3f1ea;--text:#1d1f24;--muted:#5b5e66;--accent:#1a6b52;--line:#dedbd0}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14161a;--surface:#1b1e24;--text:#eceae4;--muted:#a3a7b0;--accent:#5cc9a0;--line:#2e323a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--text);font:15px/1.47 system-ui,-apple-system,\"Segoe UI\",\"Noto Sans\",\"Noto Sans CJK SC\",sans-serif}\n"
    ".page{display:grid;grid-template-columns:220px minmax(0,1fr);max-width:1120px;margin:0 auto}\n"
    "nav{position:sticky;top:0;align-self:start;height:100vh;overflow:auto;padding:24px 16px}\n"
    "nav h2{font-size:12px;font-weight:650;color:var(--muted);margin:16px 0 4px}\n"
    "nav a{display:block;color:var(--text);text-decoration:none;font-size:13px;padding:2px 8px;border-radius:4px}\n"
    "nav a:hover,nav a:focus-visible{background:var(--surface);color:var(--accent)}\n"
    "main{padding:32px 24px 96px;min-width:0}\n"
    "h1{font-size:32px;font-weight:650;margin:0 0 8px}\n"
    "h2{font-size:20px;font-weight:650}\n"
    "a{color:var(--accent)}\n"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}\n"
    "code,pre{font:13px/1.5 ui-monospace,\"SF Mono\",\"DejaVu Sans Mono\",monospace}\n"
    "pre{background:var(--surface);padding:12px 16px;border-radius:8px;overflow:auto}\n"
    "article{border-top:1px solid var(--line);padding:24px 0 8px;scroll-margin-top:16px}\n"
    "article h3{font:650 17px/1.3 ui-monospace,\"SF Mono\",\"DejaVu Sans Mono\",monospace;margin:0 0 4px}\n"
    "article p{margin:0 0 12px}\n"
    ".tag{font-size:12px;color:var(--muted);margin-left:8px;font-weight:400}\n"
    "table{border-collapse:collapse;width:100%;margin:0 0 12px;font-size:13px}\n"
    "caption{text-align:left;color:var(--muted);font-size:12px;padding-bottom:4px}\n"
    "td{padding:4px 12px 4px 0;vertical-align:top;border-top:1px solid var(--line)}\n"
    "td:first-child{white-space:nowrap;width:1%}td:nth-child(2){white-space:nowrap;width:1%;color:var(--muted)}\n"
    "@media(max-width:800px){.page{display:block}nav{position:static;height:auto;padding:16px 24px 0;columns:2}main{padding:24px}}\n";

static const char *
param_type(enum kith_ptype t)
{
	switch (t) {
	case KITH_P_STR: return "string";
	case KITH_P_INT: return "integer";
	case KITH_P_BOOL: return "boolean";
	case KITH_P_ID: return "id";
	case KITH_P_STRS: return "[string]";
	case KITH_P_ANY: return "any";
	}
	return "any";
}

static void
row(struct kith_buf *b, const char *name, const char *type, const char *doc)
{
	kith_buf_put_str(b, "<tr><td><code>");
	put_html(b, name);
	kith_buf_put_str(b, "</code></td><td>");
	put_html(b, type);
	kith_buf_put_str(b, "</td><td>");
	put_html(b, doc);
	kith_buf_put_str(b, "</td></tr>\n");
}

static void
row2(struct kith_buf *b, const char *name, const char *doc)
{
	kith_buf_put_str(b, "<tr><td><code>");
	put_html(b, name);
	kith_buf_put_str(b, "</code></td><td colspan=\"2\">");
	put_html(b, doc);
	kith_buf_put_str(b, "</td></tr>\n");
}

static void
area(struct kith_buf *b, const char *name)
{
	const char *dot = strchr(name, '.');

	kith_buf_put(b, name, dot != NULL ? (size_t)(dot - name) : strlen(name));
}

static bool
same_area(const char *x, const char *y)
{
	size_t n = strcspn(x, ".");

	return n == strcspn(y, ".") && strncmp(x, y, n) == 0;
}

int
kith_docs_page_write(struct kith_buf *out)
{
	kith_buf_put_str(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
	    "<meta name=\"color-scheme\" content=\"light dark\"><title>Kith API</title><link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><div class=\"page\">\n<nav aria-label=\"Methods\">");
	for (size_t i = 0; i < kith_n_methods; i++) {
		if (i == 0 || !same_area(kith_methods[i - 1].name, kith_methods[i].name)) {
			kith_buf_put_str(out, "<h2>");
			area(out, kith_methods[i].name);
			kith_buf_put_str(out, "</h2>\n");
		}
		kith_buf_printf(out, "<a href=\"#%s\">%s</a>\n", kith_methods[i].name, kith_methods[i].name);
	}
	kith_buf_put_str(out, "</nav><main><h1>Kith API</h1>\n"
	    "<p>Every method is a <code>POST</code> of one JSON object to <code>/api/v1/METHOD</code> (or of MessagePack, with "
	    "<code>Content-Type: application/msgpack</code>), and the same methods are spoken as JSON-RPC 2.0 over the WebSocket at "
	    "<code>/ws</code>, subprotocol <code>kith.json</code> or <code>kith.msgpack</code>. Ids are 52 letters and digits, times are "
	    "milliseconds. The same as a document for programs: <a href=\"/api/openapi.json\">openapi.json</a>.</p>\n"
	    "<pre>curl -d '{\"name\":\"ada\",\"password\":\"correct horse\"}' http://localhost:7370/api/v1/account.register\n"
	    "curl -H \"Authorization: Bearer $TOKEN\" -d '{}' http://localhost:7370/api/v1/group.list</pre>\n"
	    "<p>Errors come with an HTTP status and <code>{\"error\": {\"code\", \"message\"}}</code>; <code>429</code> names the seconds to wait "
	    "in <code>Retry-After</code>. The WebSocket pushes <code>message</code>, <code>changed</code>, <code>group</code>, "
	    "<code>typing</code> and <code>presence</code> to those who may see them.</p>\n"
	    "<p>A program is best given a token of its own, which <code>session.new</code> makes and which is good for these things only:</p>\n"
	    "<table><caption>scopes</caption>");
	for (size_t i = 0; i < kith_n_scopes; i++)
		row2(out, kith_scopes[i].name, kith_scopes[i].doc);
	kith_buf_put_str(out, "</table>\n");
	for (size_t i = 0; i < kith_n_methods; i++) {
		const struct kith_method *m = &kith_methods[i];

		kith_buf_printf(out, "<article id=\"%s\"><h3>%s<span class=\"tag\">%s%s%s</span></h3><p>", m->name, m->name,
		    m->auth == KITH_AUTH_NONE ? "anybody" : m->auth == KITH_AUTH_ANY ? "signed in" : "accounts, not guests",
		    m->scope != KITH_SCOPE_NONE ? " · " : "", kith_scope_name(m->scope));
		put_html(out, m->doc);
		kith_buf_put_str(out, ".</p>\n");
		if (m->params[0].name != NULL) {
			kith_buf_put_str(out, "<table><caption>takes</caption>");
			for (size_t k = 0; m->params[k].name != NULL; k++) {
				char type[32];

				snprintf(type, sizeof(type), "%s%s", param_type(m->params[k].type), m->params[k].required ? "" : ", optional");
				row(out, m->params[k].name, type, m->params[k].doc);
			}
			kith_buf_put_str(out, "</table>\n");
		}
		if (m->result[0].name != NULL) {
			kith_buf_put_str(out, "<table><caption>gives</caption>");
			for (size_t k = 0; m->result[k].name != NULL; k++)
				row(out, m->result[k].name, m->result[k].type, m->result[k].doc);
			kith_buf_put_str(out, "</table>\n");
		}
		kith_buf_put_str(out, "</article>\n");
	}
	kith_buf_put_str(out, "</main></div></body></html>\n");
	return kith_buf_err(out);
}
