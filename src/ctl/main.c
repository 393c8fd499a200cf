#include <stdio.h>

int
main(void)
{
	fputs("usage: kithctl [options]\n", stderr);
	return 2;
}
