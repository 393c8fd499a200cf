#include "daemon/site.h"

#ifdef KITH_WEB_PACK
/* The archive goes into the program as it is; the assembler knows no faster way and no other is as short. */
__asm__(".section .rodata\n"
    ".balign 16\n"
    "kith_web_pack_begin:\n"
    ".incbin \"" KITH_WEB_PACK "\"\n"
    "kith_web_pack_end:\n"
    ".byte 0\n"
    ".previous\n");
extern const uint8_t kith_web_pack_begin[], kith_web_pack_end[];
#endif

struct kith_slice
kith_site_linked(void)
{
#ifdef KITH_WEB_PACK
	return kith_slice_of(kith_web_pack_begin, (size_t)(kith_web_pack_end - kith_web_pack_begin));
#else
	return kith_slice_of(NULL, 0);
#endif
}
