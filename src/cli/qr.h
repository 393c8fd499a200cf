#ifndef KITH_CLI_QR_H
#define KITH_CLI_QR_H

#include <stdio.h>

/*
 * The text as a QR code of half blocks, black on white whatever the terminal's
 * own colours; without colour, in the terminal's. Draws nothing when it would not fit in
 * `columns`, or the terminal's characters are not UTF-8.
 */
void cli_qr_put(FILE *to, const char *text, unsigned columns, int colour);

#endif
