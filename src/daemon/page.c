#include "daemon/edge.h"

/* What a browser shows until there is more: which node this is and how to use it. No scripts. */

const char kith_page_css[] =
    ":root{color-scheme:light dark;--bg:#FBFAF6;--ink:#1D1F24;--accent:#1A6B52;--soft:#5B5F66;--line:#E3E0D6;--card:#FFFFFF}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#14161A;--ink:#ECEAE4;--accent:#5CC9A0;--soft:#A2A5AB;--line:#2A2D33;--card:#1B1E23}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);font:17px/1.6 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\n"
    "main{max-width:40rem;margin:0 auto;padding:clamp(2rem,9vh,6rem) 1.25rem 4rem}\n"
    "h1{font-size:clamp(1.8rem,6vw,2.6rem);line-height:1.15;margin:0 0 .4rem;overflow-wrap:anywhere;letter-spacing:-.01em}\n"
    "h2{font-size:1.1rem;margin:2.4rem 0 .6rem}\n"
    "p{margin:.6rem 0}\n"
    ".kind{color:var(--accent);font-weight:600;letter-spacing:.04em;margin:0 0 .6rem}\n"
    ".soft{color:var(--soft)}\n"
    "a{color:var(--accent);text-underline-offset:.2em}\n"
    "a:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:2px}\n"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem;overflow-x:auto;margin:.6rem 0}\n"
    "code{font:.92em/1.6 ui-monospace,\"SF Mono\",Menlo,Consolas,monospace}\n"
    "p code{overflow-wrap:anywhere}\n"
    "footer{margin-top:3.5rem;border-top:1px solid var(--line);padding-top:1rem;font-size:.9rem;color:var(--soft)}\n";

static void
put_html(struct kith_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '<': kith_buf_put_str(out, "&lt;"); break;
		case '>': kith_buf_put_str(out, "&gt;"); break;
		case '&': kith_buf_put_str(out, "&amp;"); break;
		case '"': kith_buf_put_str(out, "&quot;"); break;
		default: kith_buf_put_u8(out, (uint8_t)*s);
		}
	}
}

static void
put_url(const struct kith_node_conf *conf, struct kith_buf *out)
{
	kith_buf_put_str(out, "<pre><code>kith --url ");
	put_html(out, conf->url);
	kith_buf_put_u8(out, ' ');
}

void
kith_page_write(const struct kith_node_conf *conf, bool invite, struct kith_buf *out)
{
	kith_buf_put_str(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\">"
	    "<meta name=\"color-scheme\" content=\"light dark\"><title>");
	put_html(out, conf->name);
	kith_buf_put_str(out, invite ? " · an invitation</title>" : " · Kith</title>");
	kith_buf_put_str(out, "<link rel=\"stylesheet\" href=\"/kith.css\"></head>\n<body><main>\n");
	if (invite) {
		kith_buf_put_str(out, "<p class=\"kind\">An invitation</p>\n<h1>You are invited to a group</h1>\n"
		    "<p>The address of this page, the part after the # included, is the invitation. Copy all of it and give it to <code>kith</code>, "
		    "on any node where you have an account:</p>\n<pre><code>kith join 'LINK'</code></pre>\n");
		if (conf->registration == KITH_REG_OPEN) {
			kith_buf_put_str(out, "<h2>No account yet?</h2>\n<p>Make one here, or begin as a guest with nothing but a nickname:</p>\n");
			put_url(conf, out);
			kith_buf_put_str(out, "guest NICKNAME</code></pre>\n");
		}
		kith_buf_put_str(out, "<p class=\"soft\">This page has not sent your invitation anywhere: browsers keep what follows the # to themselves.</p>\n");
	} else {
		kith_buf_put_str(out, "<p class=\"kind\">A Kith node</p>\n<h1>");
		put_html(out, conf->name);
		kith_buf_put_str(out, "</h1>\n<p>Group chat that no server owns: groups live on every node whose people are in them.</p>\n"
		    "<h2>From a terminal</h2>\n");
		put_url(conf, out);
		kith_buf_put_str(out, "register NAME\nkith group new GARDEN\nkith invite GARDEN\nkith send GARDEN 'hello'\nkith watch GARDEN</code></pre>\n");
		kith_buf_put_str(out, conf->registration == KITH_REG_OPEN ? "<p class=\"soft\">Anybody may make an account here.</p>\n" :
		    conf->registration == KITH_REG_INVITE ? "<p class=\"soft\">An account here takes a code from the operator: "
		    "<code>kith register NAME --invite CODE</code>.</p>\n" : "<p class=\"soft\">The operator makes the accounts here.</p>\n");
		kith_buf_put_str(out, "<h2>For programs</h2>\n<p><a href=\"/api/docs\">What one may ask, and how</a>, also as "
		    "<a href=\"/api/openapi.json\">OpenAPI</a>.</p>\n");
	}
	kith_buf_put_str(out, "<footer>Kith ");
	put_html(out, conf->version);
	kith_buf_put_str(out, "</footer>\n</main></body></html>\n");
}
