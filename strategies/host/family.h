/* This process's children and theirs, as /proc tells them: what a launch or a trial has left (family.c). */
#ifndef LAUNCHBENCH_FAMILY_H
#define LAUNCHBENCH_FAMILY_H

#include <stddef.h>
#include <sys/types.h>

struct member {
	pid_t pid;
	char state;    /* as in /proc/PID/stat: Z is a zombie */
	char name[20];
};

/* How many there are, the dead among them; -1: the kernel does not say (CONFIG_PROC_CHILDREN). The first `most` are kept. */
int family_of(pid_t pid, struct member *out, size_t most);

#endif
