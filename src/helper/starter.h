#ifndef KITH_HELPER_STARTER_H
#define KITH_HELPER_STARTER_H

#include <stdint.h>

/* The process that starts helpers, and what is said to it: one message, one answer. helper.c and starter.c alone. */
struct kith_starter_ask {
	uint32_t which;         /* enum kith_helper */
	uint32_t limit_ms;
};
/* The answer: one of these, and with 0 the socket of the process. */
#define KITH_STARTER_BUSY 1
#define KITH_STARTER_FAILED 2

uint64_t kith_starter_ms(void);          /* the monotonic clock, for both */

/* Runs until its socket ends. program[i]: of helper i, opened; -1: there is none. */
void kith_starter_main(int fd, const int program[]) __attribute__((noreturn));

#endif
