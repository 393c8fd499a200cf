#include <stdio.h>

int
main(void)
{
	fputs("usage: kith [options]\n", stderr);
	return 2;
}
