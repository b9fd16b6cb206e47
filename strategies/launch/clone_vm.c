/*
 * clone(CLONE_VM) without CLONE_VFORK: the child runs in the caller's memory while the caller goes on.
 *
 * Two run at once on one TLS, so the child may not even touch errno: it makes its system calls by itself, and reads only
 * what stays until it was waited for (the launch, which its caller keeps, and the command).
 */
#include "../host/host.h"
#include "../host/raw_call.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define STACK_SIZE ((size_t)32 << 10)

static char *stacks; /* one for each launch that may be in flight */

static int child(void *argument)
{
	const struct launch *launch = argument;
	const struct command *command = launch->command;

	host_child_side();
	long result = raw_call(SYS_execve, (long)command->file, (long)command->argv, (long)command->envp);

	launch->left->exec_error = (int)-result;
	raw_call(SYS_exit, 127, 0, 0);
	__builtin_unreachable();
}

static const char *prepare(const struct session *session)
{
	stacks = mmap(NULL, session->in_flight * STACK_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	return stacks == MAP_FAILED ? "memory for the stacks" : NULL;
}

static void launch(struct launch *launch)
{
	/* A slot, and with it the stack, is free again when its command is over: it has left this memory by then. */
	char *top = stacks + (launch->slot + 1) * STACK_SIZE;
	pid_t pid = clone(child, top, CLONE_VM | SIGCHLD, launch);

	if (pid < 0)
		host_spawn_failed(launch, errno);
	else
		launch->pid = pid;
}

LAUNCHBENCH_STRATEGY(
	.name = "clone_vm",
	.summary = "clone(CLONE_VM) on a stack of its own, the caller is not suspended",
	.traits = RUNS_CHILD_SIDE,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch,
);
