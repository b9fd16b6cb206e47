/* Which C library this program runs with: family and version, as bench.machine.fingerprint spells it. */
#include "internal.h"

#include <stdio.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>

void say_libc(void)
{
	printf("glibc %s\n", gnu_get_libc_version());
}
#else
/* musl hides its version from everyone but itself; what is linked with it statically is itself (ld: -u pulls it in). */
extern const char __libc_version[] __attribute__((weak, visibility("hidden")));

void say_libc(void)
{
	printf("musl %s\n", __libc_version ? __libc_version : "");
}
#endif
