/*
 * One worker, from its order to its end: what bench/measure/local.py does on the runner's machine, done here, so that
 * nothing passes the line between `go` and `done`.
 *
 * The words of an order:
 *
 *     program=WORD ...    the worker's command line, without its last word
 *     isolate=WORD ...    settings of `isolate`, such as cpus=0
 *     env=NAME=VALUE ...  the worker's environment
 *     mode=N kbytes=N     vm.overcommit_* for the launches; kbytes only with a limit
 *     while_mapping=1     and for the mapping too
 *     make=FOLDER ...     folders that exist while the worker does: its control groups
 *     set=FILE=VALUE ...  what is written into files of theirs
 *     tell=FILE ...       files of theirs that are told at the end
 *     start_ms= launch_ms= exit_ms=   patience until ready, until done, and after exit
 */
#include "guest.h"

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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_WORDS 64
#define STDERR_TAIL 2000
#define OVERCOMMIT "/proc/sys/vm/overcommit_"

struct words {
	char *word[MOST_WORDS + 1]; /* ends with NULL */
	int count;
};

struct order {
	struct words program, isolate, environment, folders, settings, told;
	const char *mode, *kbytes;
	bool while_mapping;
	int64_t start, launch, exit; /* ns */
	const char *request;
	size_t request_size;
	const char *folder;
};

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

static bool add_word(struct words *words, char *word)
{
	if (words->count == MOST_WORDS)
		return false;
	words->word[words->count++] = word;
	return true;
}

static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* NULL, or what cannot be understood. */
static const char *take_word(struct order *order, char *word)
{
	const char *value;

	const struct {
		const char *key;
		struct words *words;
	} lists[] = {
		{"program", &order->program}, {"isolate", &order->isolate}, {"env", &order->environment},
		{"make", &order->folders},    {"set", &order->settings},    {"tell", &order->told},
	};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (value_of(word, lists[i].key))
			return add_word(lists[i].words, word + strlen(lists[i].key) + 1) ? NULL : "too many words";
	if ((value = value_of(word, "mode")))
		order->mode = value;
	else if ((value = value_of(word, "kbytes")))
		order->kbytes = value;
	else if ((value = value_of(word, "while_mapping")))
		order->while_mapping = true;
	else if ((value = value_of(word, "start_ms")))
		order->start = atoll(value) * MILLISECOND;
	else if ((value = value_of(word, "launch_ms")))
		order->launch = atoll(value) * MILLISECOND;
	else if ((value = value_of(word, "exit_ms")))
		order->exit = atoll(value) * MILLISECOND;
	else
		return word;
	return NULL;
}

/* Words, an empty one, and the request. NULL, or what cannot be understood. */
static const char *take_order(struct order *order, char *text, size_t size)
{
	char *word = text;

	while (word < text + size && *word) {
		char *next = word + strlen(word) + 1;
		const char *wrong = take_word(order, word);

		if (wrong)
			return wrong;
		word = next;
	}
	if (word >= text + size)
		return "the order has no request";
	order->request = word + 1;
	order->request_size = (size_t)(text + size - order->request);
	return order->program.count ? NULL : "the order names no program";
}

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

static bool write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

/* ---- Control groups of the worker's own. ---- */

static bool make_groups(const struct order *order)
{
	for (int i = 0; i < order->folders.count; i++)
		if (mkdir(order->folders.word[i], 0755) != 0 && errno != EEXIST)
			return false;
	for (int i = 0; i < order->settings.count; i++) {
		char *value = strchr(order->settings.word[i], '=');

		if (!value) {
			errno = EINVAL;
			return false;
		}
		*value++ = '\0';
		if (!write_file(order->settings.word[i], value))
			return false;
	}
	return true;
}

/* The kernel may take a moment to see that the last process has gone. */
static void remove_groups(const struct order *order)
{
	int64_t until = now() + 1000 * MILLISECOND;

	for (int i = order->folders.count - 1; i >= 0; i--)
		while (rmdir(order->folders.word[i]) != 0 && errno == EBUSY && now() < until)
			nanosleep(&(struct timespec){.tv_nsec = MILLISECOND}, NULL);
}

/* ---- vm.overcommit_*: what was found is put back after the launches, whatever became of them. ---- */

struct policy {
	char memory[32], ratio[32], kbytes[32];
	bool on;
};

static bool read_setting(const char *name, char value[32])
{
	char path[64];

	snprintf(path, sizeof path, OVERCOMMIT "%s", name);
	FILE *file = fopen(path, "re");
	bool done = file && fgets(value, 32, file);
	if (file)
		fclose(file);
	return done;
}

static bool write_setting(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof path, OVERCOMMIT "%s", name);
	return write_file(path, value);
}

static bool enter_mode(const struct order *order, struct policy *policy)
{
	if (!order->mode || policy->on)
		return true;
	if (!read_setting("memory", policy->memory) || !read_setting("ratio", policy->ratio) ||
	    !read_setting("kbytes", policy->kbytes))
		return false;
	policy->on = true;
	/* The limit first: it means nothing until the mode is 2. */
	return (!order->kbytes || write_setting("kbytes", order->kbytes)) && write_setting("memory", order->mode);
}

/* Ratio and kbytes are one setting with two names: writing the one zeroes the other. */
static void leave_mode(struct policy *policy)
{
	if (!policy->on)
		return;
	policy->on = false;
	write_setting("memory", policy->memory);
	if (atol(policy->kbytes) != 0)
		write_setting("kbytes", policy->kbytes);
	else
		write_setting("ratio", policy->ratio);
}

/* ---- The OOM killer: /proc/vmstat counts it since Linux 4.13; before that the kernel's log tells. ---- */

static long oom_kills(void)
{
	FILE *vmstat = fopen("/proc/vmstat", "re");
	char line[128];
	long kills = -1;

	while (vmstat && kills < 0 && fgets(line, sizeof line, vmstat))
		sscanf(line, "oom_kill %ld", &kills);
	if (vmstat)
		fclose(vmstat);
	return kills;
}

/* Positioned behind what the log holds already; -1 where it may not be read. */
static int kernel_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

static bool log_tells_of_kill(int log)
{
	char line[8192];
	ssize_t size;

	/* EPIPE: lines that were overwritten before they were read; the next read goes on behind them. */
	while ((size = read(log, line, sizeof line - 1)) > 0 || (size < 0 && errno == EPIPE)) {
		line[size > 0 ? size : 0] = '\0';
		if (strstr(line, "Killed process"))
			return true;
	}
	return false;
}

/* ---- The conversation with the worker. ---- */

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
	send_file(OVERCOMMIT "memory", OVERCOMMIT "memory");
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
	long kills = oom_kills();
	int log = kills < 0 ? kernel_log() : -1;
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
	bool oom = kills < 0 ? log >= 0 && log_tells_of_kill(log) : oom_kills() > kills;
	if (log >= 0)
		close(log);
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
