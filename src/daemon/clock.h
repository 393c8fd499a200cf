#ifndef KITH_DAEMON_CLOCK_H
#define KITH_DAEMON_CLOCK_H

#include <stdint.h>

uint64_t kith_mono_ms(void);            /* since some start; never goes back */
uint64_t kith_mono_us(void);            /* the same clock, finer: for measuring */
uint64_t kith_wall_ms(void);            /* since 1970 */

#endif
