/* memfd_create(2) by its number: its wrapper is younger (glibc 2.27) than some libraries that the worker is built for. */
#ifndef LAUNCHBENCH_MEMFD_H
#define LAUNCHBENCH_MEMFD_H

#include <sys/syscall.h>
#include <unistd.h>

/* A descriptor of nameless memory, closed on exec; -1 with errno when there is none. */
static inline int memory_file(const char *name)
{
	return (int)syscall(SYS_memfd_create, name, 1U /* MFD_CLOEXEC */);
}

#endif
