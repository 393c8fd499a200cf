#include "cli/qr.h"

#include <langinfo.h>
#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

static bool
dark(const QRcode *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->width && y < q->width && (q->data[y * q->width + x] & 1) != 0;
}

void
cli_qr_put(FILE *to, const char *text, unsigned columns, int colour)
{
	/* upper half dark, lower half dark; drawn as ink, so without colours light modules are the ink */
	static const char *const ink[2][2] = { { " ", "\xe2\x96\x84" }, { "\xe2\x96\x80", "\xe2\x96\x88" } };
	QRcode *q;
	int quiet = 4;

	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return;
	q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (q == NULL)
		return;
	while (quiet > 1 && q->width + 2 * quiet > (int)columns)
		quiet--;
	if (q->width + 2 * quiet > (int)columns) {
		QRcode_free(q);
		return;
	}
	for (int y = -quiet; y < q->width + quiet; y += 2) {
		fputs(colour ? "\033[38;5;16;48;5;231m" : "", to);
		for (int x = -quiet; x < q->width + quiet; x++) {
			bool up = dark(q, x, y), down = dark(q, x, y + 1);

			fputs(colour ? ink[up][down] : ink[!up][!down], to);
		}
		fputs(colour ? "\033[0m\n" : "\n", to);
	}
	QRcode_free(q);
}
