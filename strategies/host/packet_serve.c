/*
 * The helper's side of packet_helper.c, which draws the whole: takes requests, launches, and answers when a command has
 * ended.
 *
 * On one CPU the kernel may let the helper run as soon as the request wakes it, in the caller's place: then the caller goes
 * on when the command has been started, and to be blocked for so short a time was the point of asking somebody else. A
 * helper under SCHED_BATCH preempts nobody (sched(7); kernel/sched/fair.c, check_preempt_wakeup_fair). Its commands get the
 * policy that it had before.
 */
#include "packet.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct child {
	pid_t pid;
	uint32_t id;
} children[MOST_CHILDREN];
static size_t child_count;
static sigset_t usual; /* the signal mask that commands get */
static bool batch;     /* the policy that they get is not the helper's */

static void on_child(int signal)
{
	(void)signal; /* only to end ppoll(); empty, so that even a vfork child may run it */
}

static void answer(int socket, struct reply reply)
{
	if (send(socket, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
		_exit(0); /* nobody waits any more */
}

static void collect(int socket)
{
	int status;
	pid_t pid;

	while (child_count > 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < child_count; i++)
			if (children[i].pid == pid) {
				answer(socket, (struct reply){.id = children[i].id, .pid = pid, .status = status});
				children[i] = children[--child_count];
				break;
			}
}

/* Reads what stands in a memfd into memory that is kept for the next time. */
static char *read_file(int fd, size_t size)
{
	static char *kept;
	static size_t kept_size;

	if (size > kept_size) {
		free(kept);
		kept = malloc(size);
		kept_size = kept ? size : 0;
	}
	for (size_t at = 0; kept && at < size;) {
		ssize_t n = pread(fd, kept + at, size - at, (off_t)at);

		if (n <= 0)
			return NULL;
		at += (size_t)n;
	}
	return kept;
}

/* Points argv and envp into the text; NULL when there is no memory for that. */
static char **split(const struct head *head, char *text)
{
	static char **kept;
	static size_t kept_count;
	size_t count = (size_t)head->argc + head->envc + 2;

	if (count > kept_count) {
		free(kept);
		kept = malloc(count * sizeof *kept);
		kept_count = kept ? count : 0;
	}
	if (!kept)
		return NULL;
	char *word = text + strlen(text) + 1;
	for (size_t i = 0; i < count; i++) {
		bool end = i == head->argc || i == count - 1;

		kept[i] = end ? NULL : word;
		if (!end)
			word += strlen(word) + 1;
	}
	return kept;
}

struct birth {
	const char *file;
	char **argv, **envp;
	const int *stdio;
	volatile int error;
};

/* By number: musl has no more than a refusal. Also on the child's side. */
static bool change_policy(int policy)
{
	const struct sched_param none = {0};

	return syscall(SYS_sched_setscheduler, 0, policy, &none) == 0;
}

/* False where nothing was changed: the caller chose a policy for itself, or a filter allows no other. */
static bool preempt_nobody(void)
{
	return syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER && change_policy(SCHED_BATCH);
}

/* Child's side, in the helper's memory: system calls on its own descriptors and mask, then the exec. */
static int child(void *argument)
{
	struct birth *birth = argument;

	for (int i = 0; i < 3; i++)
		if (dup2(birth->stdio[i], i) < 0)
			goto failed;
	if (batch && !change_policy(SCHED_OTHER))
		goto failed;
	sigprocmask(SIG_SETMASK, &usual, NULL);
	execve(birth->file, birth->argv, birth->envp);
failed:
	birth->error = errno;
	_exit(127);
}

static pid_t spawn(struct birth *birth, enum packet_parent parent)
{
	static char stack[65536] __attribute__((aligned(16)));

	if (parent == PARENT_IS_CALLER) /* the exit signal is the helper's own then: SIGCHLD, for it was forked */
		return clone(child, stack + sizeof stack, CLONE_PARENT | CLONE_VM | CLONE_VFORK | SIGCHLD, birth);
	pid_t pid = vfork();
	if (pid == 0)
		_exit(child(birth));
	return pid;
}

/* Starts one command. False: the answer waits until the child has ended. */
static bool serve_one(const struct head *head, char *text, const int *fds, enum packet_parent parent,
		      struct reply *reply)
{
	char **words = NULL;

	*reply = (struct reply){.id = head->id, .stage = STAGE_SPAWN, .error = ENOMEM};
	if (head->in_file)
		text = read_file(fds[3], head->size);
	if (text)
		words = split(head, text);
	if (!words)
		return true;
	if (child_count == MOST_CHILDREN) {
		reply->error = EAGAIN;
		return true;
	}
	struct birth birth = {.file = text, .argv = words, .envp = words + head->argc + 1, .stdio = fds};
	reply->pid = spawn(&birth, parent);
	if (reply->pid < 0) {
		reply->error = errno;
		return true;
	}
	reply->error = birth.error;
	reply->stage = birth.error ? STAGE_EXEC : STAGE_NONE;
	if (parent == PARENT_IS_CALLER)
		return true;
	if (birth.error) {
		waitpid(reply->pid, &reply->status, 0);
		return true;
	}
	children[child_count++] = (struct child){.pid = reply->pid, .id = head->id};
	return false;
}

void packet_serve(int socket, enum packet_parent parent)
{
	static char text[LARGEST_PACKET];
	struct sigaction action = {.sa_handler = on_child};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &usual);
	sigaction(SIGCHLD, &action, NULL);
	/* Who waits for the answer anyway gains nothing by going on. */
	batch = parent == PARENT_IS_HELPER && preempt_nobody();
	answer(socket, (struct reply){0}); /* it serves from now on, and holds no more than it needs */
	for (;;) {
		struct pollfd incoming = {.fd = socket, .events = POLLIN};
		struct head head;
		union descriptors control;
		struct iovec parts[] = {{&head, sizeof head}, {text, sizeof text}};
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes,
					 .msg_controllen = sizeof control.bytes};
		int fds[4];

		/* Without children there is nothing but the socket to wait for, and recvmsg() does that by itself. */
		if (child_count > 0) {
			int ready = ppoll(&incoming, 1, NULL, &usual);

			collect(socket);
			if (ready <= 0)
				continue;
		}
		ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)sizeof head)
			_exit(0); /* the caller has closed its end */
		struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
		size_t count = passed ? (passed->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
		if (passed)
			memcpy(fds, CMSG_DATA(passed), count * sizeof(int));
		/* A full table takes some of them only (unix(7), MSG_CTRUNC); those would stay, and keep it full. */
		struct reply reply = {.id = head.id, .stage = STAGE_SPAWN, .error = EMFILE};
		bool known = count != (head.in_file ? 4 : 3) || serve_one(&head, text, fds, parent, &reply);
		/* Before the answer: who gets it may look at once whether anything was left open. */
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		if (known)
			answer(socket, reply);
	}
}
