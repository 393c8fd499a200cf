#ifndef KITH_CLIENT_OPENAPI_H
#define KITH_CLIENT_OPENAPI_H

#include "base/buf.h"
#include "client/client.h"

/* The method table as an OpenAPI 3.1 document (JSON). */
KITH_MUST_USE int kith_openapi_write(struct kith_buf *out, const struct kith_node_conf *conf);
/* The same for people: one HTML page without scripts or outside assets. Its style sheet is kith_docs_css, served beside it. */
KITH_MUST_USE int kith_docs_page_write(struct kith_buf *out);
extern const char kith_docs_css[];

#endif
