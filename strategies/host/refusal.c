/* What makes launches fail, and how a failed launch is judged. */
#include "family.h"
#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
/* arm64 has neither: a second look at another number. */
#ifdef SYS_fork
#define OWN_FORK SYS_fork
#define OWN_VFORK SYS_vfork
#else
#define OWN_FORK SYS_clone3
#define OWN_VFORK SYS_clone3
#endif

/* include/uapi/linux/seccomp.h, filter.h and bpf_common.h, which are not among every libc's headers. */
#define SET_MODE_FILTER 1
#define ALL_THREADS 1 /* SECCOMP_FILTER_FLAG_TSYNC */
#define RET_ERRNO 0x00050000u
#define RET_ALLOW 0x7fff0000u
#define LOAD 0x20   /* BPF_LD | BPF_W | BPF_ABS */
#define EQUAL 0x15  /* BPF_JMP | BPF_JEQ | BPF_K */
#define RETURN 0x06 /* BPF_RET | BPF_K */
#define MOST_DESCRIPTORS 4096
#define PATIENCE_MS 200

struct instruction {
	uint16_t code;
	uint8_t if_true, if_false; /* how many instructions to skip */
	uint32_t value;
};

struct filter {
	unsigned short length;
	const struct instruction *program;
};

/* The number of the call is the first word of what a filter sees; this worker makes 64-bit calls only. */
static void refuse_calls(const struct instruction *program, size_t length)
{
	const struct filter filter = {(unsigned short)length, program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_seccomp, SET_MODE_FILTER, ALL_THREADS, &filter) != 0)
		trial_not_made("a seccomp filter: %s", strerror(errno));
}

void refuse_new_processes(int error)
{
	const struct instruction program[] = {
		{LOAD, 0, 0, 0},           {EQUAL, 4, 0, SYS_clone3}, {EQUAL, 3, 0, SYS_clone},
		{EQUAL, 2, 0, OWN_FORK},   {EQUAL, 1, 0, OWN_VFORK},  {RETURN, 0, 0, RET_ALLOW},
		{RETURN, 0, 0, RET_ERRNO | (uint32_t)error},
	};

	refuse_calls(program, sizeof program / sizeof *program);
}

void refuse_clone3(int error)
{
	const struct instruction program[] = {
		{LOAD, 0, 0, 0},
		{EQUAL, 1, 0, SYS_clone3},
		{RETURN, 0, 0, RET_ALLOW},
		{RETURN, 0, 0, RET_ERRNO | (uint32_t)error},
	};

	refuse_calls(program, sizeof program / sizeof *program);
}

static int open_descriptors(void)
{
	int open = 0;

	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

/* Children, living and dead, and theirs; a helper's among them. Fewer where the kernel does not say. */
static int relatives(void)
{
	siginfo_t ended = {0};
	int found = family_of(getpid(), NULL, 0);

	if (found < 0)
		found = waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
	return found;
}

void launch_refused(const struct trial *trial, int error)
{
	struct launch launch;
	int before = open_descriptors(), relatives_before = relatives();
	bool worked = trial_run(trial, &launch, 0);
	int after = open_descriptors();

	/* A helper may be about to bury what it has told of already. */
	for (int waited = 0; relatives() > relatives_before && waited < PATIENCE_MS; waited++)
		pause_ms(1);
	if (after != before || relatives() > relatives_before)
		trial_failed("the launch left %d descriptors open, and %d processes behind", after - before,
			     relatives() - relatives_before);
	if (worked)
		trial_missed();
	if (launch.stage == STAGE_SPAWN && launch.error == error)
		trial_hit("the launch is refused with %s, and nothing is left of it", strerror(error));
	/* What a helper cannot start it says as a shell does, with its own failure as 125. */
	if ((trial->strategy->claims & BEHIND_A_HELPER) && trial->strategy->status_form == STATUS_SHELL && launch.has_status &&
	    (WEXITSTATUS(launch.status) == 125 || WEXITSTATUS(launch.status) == 127))
		trial_hit("the helper's launch is refused with %s, and its caller is told %d", strerror(error),
			  WEXITSTATUS(launch.status));
	/* glibc's popen() sets it for every failure (libio/iopopen.c, _IO_new_proc_open()). */
	if (launch.stage == STAGE_SPAWN && launch.error == ENOMEM && (trial->strategy->claims & TELLS_ENOMEM))
		trial_hit("the launch is refused with %s, and the caller is told ENOMEM", strerror(error));
	trial_failed("%s was to come at the spawn, and %s came at %s, status %d", strerror(error), strerror(launch.error),
		     stage_name(launch.stage), launch.has_status ? launch.status : -1);
}
