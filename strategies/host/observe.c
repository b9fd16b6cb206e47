/*
 * Observes which system calls really make the process and exec in it: what a strategy is called is a claim, and libraries
 * choose for themselves (a vfork() that is a fork, a subprocess that copies after all).
 *
 *     launchbench-worker observe FILE PROGRAM [ARGUMENT ...]
 *
 * traces the program and all that it starts, and writes to FILE one line per call: who calls and what, such as
 * `worker clone3(CLONE_VM|CLONE_VFORK)` or `child execve`; and `worker failed 38` when the call came to nothing. A caller is the worker, a thread of it, a helper that it had
 * before the launch, or a child that came with it. Only calls inside the first launch count: a worker asks for its thread's resource usage right before and right
 * after each one (session.c, worker.py). ptrace slows everything down, so nothing is timed in such a run.
 */
#include "internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define MOST_TRACED 4096
#define OPTIONS                                                                                                        \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

/* include/uapi/linux/ptrace.h, since Linux 5.3; not in every libc's headers. */
#define GET_SYSCALL_INFO 0x420e
#define INFO_ENTRY 1
#define FIRST_RESTART 512 /* ERESTARTSYS: the call is made again */
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	uint64_t number, arguments[6];
};

static struct traced {
	pid_t pid;
	const char *role;
	bool written; /* the call that it is in stands in the record */
	bool in_call; /* its last stop at a system call was the entry */
} traced[MOST_TRACED];
static int traced_count;
static pid_t worker;
static bool inside, over; /* the launch */
static FILE *record;

/* /proc/PID/task has a folder for each thread of a process, so a thread of the worker has one there. */
static const char *role_of(pid_t pid)
{
	char path[64];

	if (pid == worker)
		return "worker";
	snprintf(path, sizeof path, "/proc/%d/task/%d", worker, pid);
	if (access(path, F_OK) == 0)
		return "thread";
	return inside ? "child" : "helper";
}

static struct traced *find(pid_t pid)
{
	for (int i = 0; i < traced_count; i++)
		if (traced[i].pid == pid)
			return &traced[i];
	if (traced_count == MOST_TRACED)
		return NULL;
	traced[traced_count] = (struct traced){.pid = pid, .role = role_of(pid)};
	return &traced[traced_count++];
}

static void forget(pid_t pid)
{
	for (int i = 0; i < traced_count; i++)
		if (traced[i].pid == pid) {
			traced[i] = traced[--traced_count];
			return;
		}
}

static const struct {
	uint64_t bit;
	const char *name;
} flags_by_name[] = {
	{CLONE_VM, "CLONE_VM"},
	{CLONE_VFORK, "CLONE_VFORK"},
	{CLONE_FS, "CLONE_FS"},
	{CLONE_FILES, "CLONE_FILES"},
	{CLONE_SIGHAND, "CLONE_SIGHAND"},
	{CLONE_THREAD, "CLONE_THREAD"},
	{CLONE_PARENT, "CLONE_PARENT"},
	{0x00001000, "CLONE_PIDFD"},
	{0x100000000ULL, "CLONE_CLEAR_SIGHAND"},
	{0x200000000ULL, "CLONE_INTO_CGROUP"},
};

static void write_flags(const char *role, const char *call, uint64_t flags)
{
	const char *separator = "";

	fprintf(record, "%s %s(", role, call);
	for (size_t i = 0; i < sizeof flags_by_name / sizeof *flags_by_name; i++)
		if (flags & flags_by_name[i].bit) {
			fprintf(record, "%s%s", separator, flags_by_name[i].name);
			separator = "|";
		}
	/* A clone without any of them is what libc makes of fork(): only the exit signal stands in it. */
	fputs(*separator ? ")\n" : "SIGCHLD)\n", record);
}

static uint64_t peek(pid_t pid, uint64_t address)
{
	uint64_t word = 0;
	struct iovec here = {&word, sizeof word}, there = {(void *)(uintptr_t)address, sizeof word};

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != sizeof word)
		return 0;
	return word;
}

/* One system call is about to begin. */
static void on_entry(struct traced *caller, const struct syscall_info *info)
{
	if (info->number == SYS_getrusage && caller->pid == worker && (int)info->arguments[0] == RUSAGE_THREAD) {
		over |= inside;
		inside = !over;
		return;
	}
	if (!inside)
		return;
	const char *name = info->number == SYS_execve ? "execve" : info->number == SYS_execveat ? "execveat" : NULL;
#ifdef SYS_fork
	name = info->number == SYS_fork ? "fork" : info->number == SYS_vfork ? "vfork" : name;
#endif
	caller->written = name || info->number == SYS_clone || info->number == SYS_clone3;
	if (name) {
		fprintf(record, "%s %s\n", caller->role, name);
	} else if (caller->written) {
		bool newer = info->number == SYS_clone3;

		write_flags(caller->role, newer ? "clone3" : "clone",
			    newer ? peek(caller->pid, info->arguments[0]) : info->arguments[0]);
	}
}

/* A call that was written is over. One that made nothing and started nothing is said to have failed. */
static void on_exit_of(struct traced *caller, long result)
{
	if (caller->written && result < 0 && result > -FIRST_RESTART)
		fprintf(record, "%s failed %ld\n", caller->role, -result);
	caller->written = false;
}

/*
 * Before Linux 5.3 only the registers tell. Entry and exit come in turns, and at an entry the register of the result
 * holds -ENOSYS (arch/x86/entry): a stop that was missed puts nothing out of step.
 */
static bool entry_by_registers(struct traced *caller, struct syscall_info *info)
{
#if defined(__x86_64__)
	struct user_regs_struct registers;
	struct iovec room = {&registers, sizeof registers};

	if (ptrace(PTRACE_GETREGSET, caller->pid, (void *)NT_PRSTATUS, &room) != 0)
		return false;
	caller->in_call = !caller->in_call && (long)registers.rax == -ENOSYS;
	info->number = caller->in_call ? registers.orig_rax : registers.rax;
	info->arguments[0] = registers.rdi;
	return caller->in_call;
#else
	(void)caller, (void)info;
	return false;
#endif
}

static bool at_entry(struct traced *caller, struct syscall_info *info)
{
	if (ptrace(GET_SYSCALL_INFO, caller->pid, sizeof *info, info) > 0)
		return info->op == INFO_ENTRY;
	return errno == EIO && entry_by_registers(caller, info);
}

/* What a stop is about; the signal that the process is to get, if any. */
static int on_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status);
	struct traced *caller = find(pid);

	if (signal == (SIGTRAP | 0x80)) {
		struct syscall_info info = {0};

		if (caller && at_entry(caller, &info))
			on_entry(caller, &info);
		else if (caller)
			on_exit_of(caller, (long)info.number); /* at an exit the result stands in the number's place */
		return 0;
	}
	if (status >> 16 != 0) {
		unsigned long child;

		if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0)
			find((pid_t)child);
		return 0;
	}
	/* The first stop of a new process is SIGSTOP, and that of an exec SIGTRAP: ptrace's own, not meant for it. */
	return signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

static int follow(pid_t program)
{
	int status, result = 70;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		if (!WIFSTOPPED(status)) {
			forget(pid);
			if (pid == program)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 70;
			continue;
		}
		int signal = on_stop(pid, status);
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
	}
	return result;
}

int observe(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "observe: FILE PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	record = fopen(argv[0], "ae"); /* the probe appends to it, too */
	if (!record) {
		fprintf(stderr, "observe: %s: %s\n", argv[0], strerror(errno));
		return 70;
	}
	pid_t program = fork();
	if (program == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[1], argv + 1);
		_exit(70);
	}
	int status;
	if (program < 0 || waitpid(program, &status, 0) != program || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, program, NULL, (void *)(intptr_t)OPTIONS) != 0) {
		fprintf(stderr, "observe: ptrace: %s\n", strerror(errno));
		return 70;
	}
	worker = program;
	find(program);
	ptrace(PTRACE_SYSCALL, program, NULL, NULL);
	int result = follow(program);
	fclose(record);
	return result;
}
