/*
 * A launcher as one would ship it: a helper takes whole requests (program, arguments, environment, standard descriptors)
 * over a SOCK_SEQPACKET pair and launches without copying itself. It keeps any number of children and sends each one's wait
 * status back; the caller may go on as soon as the request is sent. Or it makes them the caller's own children and answers
 * with their number, and the caller waits for them as for any.
 *
 *      caller                        helper                      child (the helper's)
 *      sendmsg(request, 0 1 2) --->  recvmsg
 *                                    vfork ------------------->  dup2 x 3, execve
 *                                    ppoll <--- SIGCHLD -------  exit
 *      recv <----------------------  waitpid, send(reply)
 */
#include "memfd.h"
#include "packet_helper.h"
#include "statuses.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A packet must fit in a socket buffer (wmem_default, about 200 KiB); longer requests travel in a memfd. */
#define LARGEST_PACKET ((size_t)64 << 10)
#define MOST_CHILDREN MOST_STATUSES /* as many as may be in flight: no two answers that are kept have one place */

struct head {
	uint32_t id;
	uint32_t argc, envc;
	uint32_t size;    /* bytes of text: file, arguments, environment, each ended by NUL */
	uint32_t in_file; /* the text is in a file that comes as a fourth descriptor */
};

struct reply {
	uint32_t id;
	int32_t pid;
	int32_t stage, error;
	int32_t status;
};

union descriptors {
	char bytes[CMSG_SPACE(4 * sizeof(int))];
	struct cmsghdr align;
};

/* ---- the helper ------------------------------------------------------------------------------------------------- */

static struct child {
	pid_t pid;
	uint32_t id;
} children[MOST_CHILDREN];
static size_t child_count;

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
	const sigset_t *mask;
	volatile int error;
};

/* Child's side, in the helper's memory: system calls on its own descriptors and mask, then the exec. */
static int child(void *argument)
{
	struct birth *birth = argument;

	for (int i = 0; i < 3; i++)
		if (dup2(birth->stdio[i], i) < 0)
			goto failed;
	sigprocmask(SIG_SETMASK, birth->mask, NULL);
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
static bool serve_one(const struct head *head, char *text, const int *fds, const sigset_t *mask,
		      enum packet_parent parent, struct reply *reply)
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
	struct birth birth = {.file = text, .argv = words, .envp = words + head->argc + 1, .stdio = fds, .mask = mask};
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

static _Noreturn void serve(int socket, enum packet_parent parent)
{
	static char text[LARGEST_PACKET];
	struct sigaction action = {.sa_handler = on_child};
	sigset_t blocked, usual;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &usual);
	sigaction(SIGCHLD, &action, NULL);
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
		bool known = count != (head.in_file ? 4 : 3) || serve_one(&head, text, fds, &usual, parent, &reply);
		/* Before the answer: who gets it may look at once whether anything was left open. */
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		if (known)
			answer(socket, reply);
	}
}

/* ---- the caller ------------------------------------------------------------------------------------------------- */

static pid_t helper;
static int channel = -1;
static uint32_t next_id;
static struct reply kept[MOST_CHILDREN]; /* answers to requests that nobody has asked about yet; 0 is no request's id */
static char *packed;
static size_t packed_size;

const char *packet_helper_start(enum packet_parent parent)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return "socketpair";
	helper = host_fork_helper();
	if (helper < 0)
		return "fork of the helper";
	if (helper == 0) {
		close(pair[0]);
		serve(pair[1], parent);
	}
	close(pair[1]);
	channel = pair[0];
	struct reply hello;
	return recv(channel, &hello, sizeof hello, 0) == sizeof hello ? NULL : "the helper's first word";
}

/* Room for size bytes, grown by doubling and kept. */
static bool make_room(size_t size)
{
	if (size <= packed_size)
		return true;
	size_t grown = packed_size ? packed_size : 4096;
	while (grown < size)
		grown *= 2;
	char *bigger = realloc(packed, grown);
	if (!bigger)
		return false;
	packed = bigger;
	packed_size = grown;
	return true;
}

static bool pack_word(struct head *head, const char *word)
{
	size_t length = strlen(word) + 1;

	if (!make_room(head->size + length))
		return false;
	memcpy(packed + head->size, word, length);
	head->size += (uint32_t)length;
	return true;
}

static bool pack(const struct command *command, struct head *head)
{
	if (!pack_word(head, command->file))
		return false;
	for (char *const *word = command->argv; *word; word++, head->argc++)
		if (!pack_word(head, *word))
			return false;
	for (char *const *word = command->envp; *word; word++, head->envc++)
		if (!pack_word(head, *word))
			return false;
	return true;
}

static int text_file(size_t size)
{
	int fd = memory_file("request");

	for (size_t at = 0; fd >= 0 && at < size;) {
		ssize_t n = write(fd, packed + at, size - at);

		if (n < 0) {
			close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	return fd;
}

/* Takes one answer from the helper. False, and errno, when it has gone. */
static bool keep_one(void)
{
	struct reply reply;
	ssize_t n;

	do
		n = recv(channel, &reply, sizeof reply, 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof reply) {
		errno = n < 0 ? errno : EPIPE;
		return false;
	}
	kept[reply.id % MOST_CHILDREN] = reply;
	return true;
}

/* A helper whose answers nobody takes stops taking requests: while it does not, its answers are taken. */
static bool send_request(const struct msghdr *message)
{
	while (sendmsg(channel, message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		struct pollfd helper_end = {.fd = channel, .events = POLLIN | POLLOUT};

		if (errno != EAGAIN && errno != EINTR)
			return false;
		if (poll(&helper_end, 1, -1) > 0 && (helper_end.revents & POLLIN) && !keep_one())
			return false;
	}
	return true;
}

void packet_helper_launch(struct launch *launch)
{
	struct head head = {.id = ++next_id};
	union descriptors control = {{0}};
	int fds[4] = {0, 1, 2, -1};

	if (!pack(launch->command, &head)) {
		host_spawn_failed(launch, ENOMEM);
		return;
	}
	head.in_file = head.size > LARGEST_PACKET;
	if (head.in_file && (fds[3] = text_file(head.size)) < 0) {
		host_spawn_failed(launch, errno);
		return;
	}
	size_t count = head.in_file ? 4 : 3;
	struct iovec parts[] = {{&head, sizeof head}, {packed, head.size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = head.in_file ? 1 : 2, .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
	passed->cmsg_level = SOL_SOCKET;
	passed->cmsg_type = SCM_RIGHTS;
	passed->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(passed), fds, count * sizeof(int));
	if (!send_request(&message))
		host_spawn_failed(launch, errno);
	launch->token = head.id;
	if (head.in_file)
		close(fds[3]);
}

/* Waits for the answer to this launch, and keeps those to others that come before it. */
static bool receive(struct launch *launch, struct reply *reply)
{
	struct reply *here = &kept[launch->token % MOST_CHILDREN];

	while (here->id != launch->token)
		if (!keep_one()) {
			host_status_lost(launch, errno);
			return false;
		}
	*reply = *here;
	here->id = 0;
	launch->stage = (enum stage)reply->stage;
	launch->error = reply->error;
	return true;
}

bool packet_helper_settled(void)
{
	struct pollfd answers = {.fd = channel, .events = POLLIN};

	return poll(&answers, 1, 0) > 0;
}

void packet_helper_reap(struct launch *launch)
{
	struct reply reply;

	if (receive(launch, &reply) && reply.stage == STAGE_NONE) {
		launch->has_status = true;
		launch->status = reply.status;
		launch->pid = reply.pid; /* no child of ours, but the one who arrived */
	}
}

void packet_helper_learn(struct launch *launch)
{
	struct reply reply;

	if (launch->stage != STAGE_NONE || !receive(launch, &reply))
		return;
	if (reply.stage == STAGE_NONE)
		launch->pid = reply.pid;
	else if (reply.stage == STAGE_EXEC)
		while (waitpid(reply.pid, NULL, 0) < 0 && errno == EINTR) /* it is ours, and it has ended */
			;
}

void packet_helper_finish(void)
{
	close(channel);
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
}
