/*
 * One worker, from its order to its end: what bench/measure/local.py does on the runner's machine, done here, so that
 * nothing passes the line between `go` and `done`.
 */
#include "order.h"

#include "../host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STDERR_TAIL 2000
#define OVERCOMMIT_MODE "/proc/sys/vm/overcommit_memory"

/* How far a worker has come: what it was doing when it had to be stopped. */
enum stretch { MAPPING, LAUNCHING, ENDING };
static const char *const stretches[] = {"mapping", "launching", "ending"};

struct attended {
	pid_t pid;
	int channel;
	enum stretch stretch;
	bool hung;
	struct count ready;
	char line[65536];
	size_t filled;
};

static const char *file_of(const struct order *order, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", order->folder, name);
	return path;
}

static const char *const files[] = {"samples", "arrivals", "stderr", "observed"};

static bool make_files(const struct order *order)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int fd = open(file_of(order, files[i]), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (fd < 0)
			return false;
		close(fd);
	}
	return true;
}

static bool tell(const struct attended *worker, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(worker->channel, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* Waits for the next line, which stands in worker->line; false when the worker has gone, or hung. */
static bool hear(struct attended *worker, int64_t patience)
{
	int64_t until = now() + patience;

	worker->filled = 0;
	for (;;) {
		int64_t left = (until - now()) / MILLISECOND;
		struct pollfd end = {.fd = worker->channel, .events = POLLIN};
		int ready = poll(&end, 1, left > 0 ? (int)(left < INT_MAX ? left : INT_MAX) : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0 && now() < until)
			continue;
		if (ready <= 0) {
			worker->hung = true;
			return false;
		}
		ssize_t n = read(worker->channel, worker->line + worker->filled, sizeof worker->line - 1 - worker->filled);
		if (n <= 0)
			return false;
		worker->filled += (size_t)n;
		worker->line[worker->filled] = '\0';
		if (worker->line[worker->filled - 1] == '\n') {
			send_frame("said", worker->line, worker->filled - 1);
			return true;
		}
		if (worker->filled == sizeof worker->line - 1)
			return false; /* what talks like that is no worker any more */
	}
}

static bool says_ready(const char *line)
{
	const char *state = strstr(line, "\"state\"");
	const char *value = state ? strchr(state + 7, '"') : NULL;

	return value && strncmp(value, "\"ready\"", 7) == 0;
}

static void tell_held(const struct count *count)
{
	send_text("held", "{\"zombies\":%d,\"children\":%d,\"descriptors\":%d,\"threads\":%d}", count->zombies,
		  count->children, count->descriptors, count->threads);
}

static void converse(const struct order *order, struct attended *worker, struct policy *policy)
{
	struct count done;

	if (!tell(worker, order->request, order->request_size) || !hear(worker, order->start) ||
	    !says_ready(worker->line))
		return;
	worker->stretch = LAUNCHING;
	bool counted = count_family(worker->pid, NULL, &worker->ready);
	if (counted)
		tell_held(&worker->ready);
	if (!enter_mode(order, policy))
		return;
	send_file("/proc/meminfo", "/proc/meminfo");
	send_file(OVERCOMMIT_MODE, OVERCOMMIT_MODE);
	channel_drained();
	bool heard = tell(worker, "go\n", 3) && hear(worker, order->launch);
	leave_mode(policy);
	if (!heard)
		return;
	worker->stretch = ENDING;
	if (counted && count_idle(worker->pid, &worker->ready, &done))
		tell_held(&done);
	tell(worker, "exit\n", 5);
}

/* Becomes the worker, through the same `isolate` as everywhere. */
static _Noreturn void become_worker(const struct order *order, int end, pid_t parent)
{
	static char self[] = "/proc/self/exe", isolate_word[] = "isolate", separator[] = "--", work_word[] = "work";
	char *argv[2 * MOST_WORDS + 6], parent_word[32];
	int null = open("/dev/null", O_WRONLY), errors = open(file_of(order, "stderr"), O_WRONLY | O_APPEND), used = 0;

	if (null < 0 || errors < 0 || dup2(end, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0 || chdir("/") != 0)
		_exit(70);
	for (int fd = 3; fd <= (errors > null ? errors : null); fd++)
		close(fd);
	snprintf(parent_word, sizeof parent_word, "parent=%d", parent);
	argv[used++] = self;
	argv[used++] = isolate_word;
	argv[used++] = parent_word;
	for (int i = 0; i < order->isolate.count; i++)
		argv[used++] = order->isolate.word[i];
	argv[used++] = separator;
	for (int i = 0; i < order->program.count; i++)
		argv[used++] = order->program.word[i];
	argv[used++] = work_word;
	argv[used] = NULL;
	execve(self, argv, order->environment.word);
	_exit(70);
}

/* Waits for the worker's end; one that does not end is stopped, and then it hung. Returns as subprocess has it. */
static int wait_for_end(struct attended *worker, int64_t patience)
{
	int64_t until = now() + patience;
	int status = 0;
	pid_t ended = 0;

	while (!worker->hung && (ended = waitpid(worker->pid, &status, WNOHANG)) == 0) {
		worker->hung = now() >= until;
		nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
	}
	if (ended != worker->pid) {
		kill(worker->pid, SIGKILL);
		while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static bool start(const struct order *order, struct attended *worker)
{
	pid_t self = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	worker->channel = ends[0];
	worker->pid = fork();
	if (worker->pid == 0)
		become_worker(order, ends[1], self);
	close(ends[1]);
	if (worker->pid < 0)
		close(ends[0]);
	return worker->pid > 0;
}

static void end_without(const char *reason)
{
	char escaped[1100];

	send_text("over", "{\"returncode\":null,\"hung\":null,\"oom\":false,\"reason\":%s}",
		  quoted(reason, escaped, sizeof escaped));
}

void attend(char *text, size_t size, const char *folder)
{
	struct order order = {.folder = folder};
	static struct attended worker;
	struct policy policy = {.on = false};
	const char *wrong = take_order(&order, text, size);

	if (wrong) {
		end_without(wrong);
		return;
	}
	worker = (struct attended){.stretch = MAPPING};
	struct kills kills = watch_kills();
	if (!make_files(&order) || !make_groups(&order) || (order.while_mapping && !enter_mode(&order, &policy)) ||
	    !start(&order, &worker)) {
		end_without(strerror(errno));
		leave_mode(&policy);
		remove_groups(&order);
		return;
	}
	converse(&order, &worker, &policy);
	int returncode = wait_for_end(&worker, order.exit);
	leave_mode(&policy);
	close(worker.channel);
	bool oom = was_kill(&kills);
	end_strays();
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		send_tail(file_of(&order, files[i]), files[i], strcmp(files[i], "stderr") == 0 ? STDERR_TAIL : 0);
	for (int i = 0; i < order.told.count; i++)
		send_file(order.told.word[i], order.told.word[i]);
	remove_groups(&order);
	send_text("over", "{\"returncode\":%d,\"hung\":%s%s%s,\"oom\":%s,\"reason\":null}", returncode,
		  worker.hung ? "\"" : "", worker.hung ? stretches[worker.stretch] : "null", worker.hung ? "\"" : "",
		  oom ? "true" : "false");
}
