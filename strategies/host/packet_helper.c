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
#include "packet_helper.h"

#include "memfd.h"
#include "packet.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

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
		packet_serve(pair[1], parent);
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
