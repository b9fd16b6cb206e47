/* A lock that is held by another thread at the moment of the launch (held_lock.c). */
#ifndef LAUNCHBENCH_HELD_LOCK_H
#define LAUNCHBENCH_HELD_LOCK_H

#include "hazard.h"

/* Whose lock it is: what happens to it in a fork. */
enum lock_owner {
	LOCK_OF_PROGRAM, /* nobody but the program knows of it */
	LOCK_OF_GLIBC,   /* glibc does nothing about it; musl takes it around the fork (src/process/fork.c, atfork_locks) */
	LOCK_MENDED,     /* the C library takes it around the fork, or makes it new in the child */
};

/* A lock, seen from outside. */
struct lock {
	enum lock_owner owner;
	void (*call)(void);     /* takes it and gives it back, in the thread that holds it */
	void (*in_child)(void); /* the child's call; NULL: the same */
	void (*probe)(void);    /* takes this lock and no other; NULL: the call */
};

/* The whole trial: a thread is stopped inside the call, the strategy launches, and the child makes its call before it
 * execs. Mitigated by `call_before`, the caller made it, and the child does not. */
_Noreturn void held_lock_trial(struct trial *trial, const struct lock *lock);
struct oracle held_lock_oracle(const struct strategy *strategy, const char *mitigation, enum lock_owner owner);

#endif
