/*
 * A system without an MMU has no fork(): it cannot give a child its parent's addresses and memory of its own. This shows
 * one to a program and to all that it starts, with a seccomp filter, which survives execve(2) and needs no right:
 *
 *     launchbench-worker no_fork PROGRAM [ARGUMENT ...]
 *
 *     fork                      ENOSYS
 *     clone without CLONE_VM    ENOSYS
 *     clone3                    ENOSYS, whatever it asks for
 *     vfork, clone(CLONE_VM)    as ever
 *
 * clone3 takes its flags in memory, where a filter cannot look; ENOSYS makes libc take clone instead, whose flags are an
 * argument. So what uses clone3 by itself has no way here though a system without an MMU would let it: this filter is
 * too strict with it, never too lax. ENOSYS and not EPERM, for nothing is forbidden, it is not there: what libcs for such
 * systems make of fork() (their kernel's own word for the system call is EINVAL, kernel/fork.c).
 */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_seccomp
#if defined(__x86_64__)
#define SYS_seccomp 317
#else
#define SYS_seccomp 277
#endif
#endif

/* include/uapi/linux/seccomp.h, filter.h, bpf_common.h and audit.h, which are not among every libc's headers. */
#define SET_MODE_FILTER 1
#define SPEC_ALLOW 4 /* since Linux 4.17 */
#define RET_ERRNO 0x00050000u
#define RET_ALLOW 0x7fff0000u
#define LOAD 0x20   /* BPF_LD | BPF_W | BPF_ABS */
#define EQUAL 0x15  /* BPF_JMP | BPF_JEQ | BPF_K */
#define ANY_BIT 0x45 /* BPF_JMP | BPF_JSET | BPF_K */
#define AND 0x54    /* BPF_ALU | BPF_AND | BPF_K */
#define RETURN 0x06 /* BPF_RET | BPF_K */
#if defined(__x86_64__)
#define OWN_ARCH 0xc000003eu /* AUDIT_ARCH_X86_64 */
#elif defined(__aarch64__)
#define OWN_ARCH 0xc00000b7u /* AUDIT_ARCH_AARCH64 */
#else
#error "the filter is written for x86-64 and arm64"
#endif
#ifdef SYS_fork
#define OWN_FORK SYS_fork
#else
#define OWN_FORK SYS_clone3 /* arm64 has none: a second look at another number */
#endif
/* The 32-bit programs that such a kernel runs, i386 and arm, number these alike. */
#define OTHER_FORK 2
#define OTHER_CLONE 120
#define X32_BIT 0x40000000u

struct call {
	int number;
	uint32_t arch;
	uint64_t instruction_pointer, arguments[6];
};

struct instruction {
	uint16_t code;
	uint8_t if_true, if_false; /* how many instructions to skip */
	uint32_t value;
};

struct filter {
	unsigned short length;
	const struct instruction *program;
};

static const struct instruction program[] = {
	{LOAD, 0, 0, offsetof(struct call, arch)},
	{EQUAL, 0, 6, OWN_ARCH},
	/* 2: 64 bits, and x32, which differs by one bit */
	{LOAD, 0, 0, offsetof(struct call, number)},
	{AND, 0, 0, ~X32_BIT},
	{EQUAL, 9, 0, OWN_FORK},
	{EQUAL, 8, 0, SYS_clone3},
	{EQUAL, 5, 0, SYS_clone},
	{RETURN, 0, 0, RET_ALLOW},
	/* 8: 32 bits */
	{LOAD, 0, 0, offsetof(struct call, number)},
	{EQUAL, 4, 0, OTHER_FORK},
	{EQUAL, 3, 0, SYS_clone3},
	{EQUAL, 0, 3, OTHER_CLONE},
	/* 12: a clone; its flags are the first argument, whose lower half comes first */
	{LOAD, 0, 0, offsetof(struct call, arguments)},
	{ANY_BIT, 1, 0, CLONE_VM},
	{RETURN, 0, 0, RET_ERRNO | ENOSYS},
	{RETURN, 0, 0, RET_ALLOW},
};

/*
 * Without SPEC_ALLOW kernels before 5.16 turn off speculation for whoever has a filter, and every launch would pay for it.
 */
static bool install(void)
{
	const struct filter filter = {sizeof program / sizeof *program, program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	return syscall(SYS_seccomp, SET_MODE_FILTER, SPEC_ALLOW, &filter) == 0 ||
	       (errno == EINVAL && syscall(SYS_seccomp, SET_MODE_FILTER, 0, &filter) == 0);
}

int no_fork(char **words)
{
	if (install())
		execv(words[0], words);
	fprintf(stderr, "no_fork: %s: %s\n", words[0], strerror(errno));
	return 70;
}
