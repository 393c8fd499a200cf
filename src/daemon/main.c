#include <stdio.h>

int
main(void)
{
	fputs("usage: kithd [options]\n", stderr);
	return 2;
}
