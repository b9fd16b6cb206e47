/* The trial's side of a hazard: what its process begins with, the commands it launches, and the ways it ends. */
#include "trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_AT_ONCE 8 /* launches that a trial has in flight */
#define FOOTPRINT ((size_t)64 << 10) /* something for strategies that treat their footprint */

static struct trial_report *report;
static const struct hygiene *mitigation;
static void (*act_in_child)(void);
static struct session session;
static struct hygiene between; /* what is done between launch and exec: the trial's act, then the mitigation's */
static const char *gate_path;
static int gate = -1;

static _Noreturn void end(enum trial_end how)
{
	report->end = how;
	_exit(0);
}

static void write_text(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void write_text(const char *format, va_list arguments)
{
	vsnprintf(report->text, sizeof report->text, format, arguments);
}

#define END_OF_TRIAL(name, how)                                                                                        \
	void name(const char *format, ...)                                                                             \
	{                                                                                                              \
		va_list arguments;                                                                                     \
                                                                                                                       \
		va_start(arguments, format);                                                                           \
		write_text(format, arguments);                                                                         \
		va_end(arguments);                                                                                     \
		end(how);                                                                                              \
	}

END_OF_TRIAL(trial_hit, TRIAL_HIT)
END_OF_TRIAL(trial_not_made, TRIAL_NOT_MADE)
END_OF_TRIAL(trial_failed, TRIAL_FAILED)

void trial_missed(void)
{
	end(TRIAL_MISSED);
}

void trial_at_risk(pid_t pid)
{
	report->at_risk = pid;
}

struct trial_shared *trial_shared(void)
{
	return &report->shared;
}

bool mitigated_by(const struct trial *trial, const char *name)
{
	return trial->mitigation && strcmp(trial->mitigation, name) == 0;
}

void trial_begin(const struct trial *trial, const struct hygiene *hygiene, struct trial_report *shared)
{
	pid_t supervisor = getppid();

	(void)trial;
	report = shared;
	mitigation = hygiene;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(0);
	/* A group of its own: what a terminal would send to all of it stays in it. */
	if (setpgid(0, 0) != 0)
		trial_failed("setpgid: %s", strerror(errno));
	share_outcomes(MOST_AT_ONCE);
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		trial_failed("no memory for a command");
	return memory;
}

static void child_side(void)
{
	act_in_child();
	if (mitigation && mitigation->child)
		mitigation->child();
}

/* NULL, or what failed. */
static const char *make_ready(const struct strategy *strategy)
{
	const char *reason = strategy->prepare ? strategy->prepare(&session) : NULL;

	if (!reason)
		reason = hygiene_prepare(&between, strategy, &session);
	session.footprint = mmap(NULL, FOOTPRINT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	session.footprint_size = FOOTPRINT;
	if (!reason && session.footprint == MAP_FAILED)
		reason = "mmap";
	if (!reason && strategy->grown)
		reason = strategy->grown(&session);
	return reason;
}

void trial_prepare(struct trial *trial, const struct command *commands, size_t count, void (*act)(void))
{
	static const struct hygiene none = {.name = "none"};
	struct command *kept = allocate(count, sizeof *kept);

	memcpy(kept, commands, count * sizeof *kept);
	session = (struct session){.commands = kept, .command_count = count, .in_flight = MOST_AT_ONCE};
	act_in_child = act;
	between = mitigation ? *mitigation : none;
	if (act)
		between.child = child_side;
	const char *reason = make_ready(trial->strategy);
	if (reason)
		trial_failed("%s: %s", reason, strerror(errno));
	/* Only now: a helper would hold it open as well. */
	if (gate_path && (gate = open(gate_path, O_RDWR | O_CLOEXEC)) < 0)
		trial_failed("%s: %s", gate_path, strerror(errno));
}

void trial_launch(const struct trial *trial, struct launch *launch, size_t command)
{
	bool here = !(trial->strategy->traits & RUNS_CALLER_SIDE);
	static uint32_t launches;
	uint32_t slot = launches++ % MOST_AT_ONCE;

	*launch = (struct launch){
		.command = &session.commands[command],
		.command_index = (uint32_t)command,
		.slot = slot,
		.called = now(),
		.left = what_children_leave(slot),
	};
	before_launch(launch);
	if (here)
		host_before_launch();
	trial->strategy->launch(launch);
	if (here)
		host_after_launch();
}

void trial_reap(const struct trial *trial, struct launch *launch)
{
	if (launch->stage != STAGE_NONE)
		return;
	if (trial->strategy->traits & OWN_REAPER) {
		if (trial->strategy->reap)
			trial->strategy->reap(launch);
		return;
	}
	host_wait(launch);
}

bool trial_run(const struct trial *trial, struct launch *launch, size_t command)
{
	trial_launch(trial, launch, command);
	trial_reap(trial, launch);
	return launch->stage == STAGE_NONE && launch->has_status && launch->status == 0;
}

const char *stage_name(enum stage stage)
{
	static const char *const names[] = {"none", "spawn", "exec", "wait"};

	return names[stage];
}

/* A word as a shell must be given it. */
static char *append_quoted(char *at, const char *word)
{
	*at++ = '\'';
	for (; *word; word++) {
		if (*word == '\'')
			at = stpcpy(at, "'\\'");
		*at++ = *word;
	}
	*at++ = '\'';
	*at = '\0';
	return at;
}

struct command trial_command(const char *const *words)
{
	size_t length = 1, count = 0;

	while (words[count])
		count++;
	char **argv = allocate(count + 1, sizeof *argv);

	for (size_t i = 0; i < count; i++)
		length += 4 * strlen(words[i]) + 3;
	char *line = allocate(length, 1);
	char *at = line;
	for (size_t i = 0; i < count; i++) {
		argv[i] = strdup(words[i]);
		if (!argv[i])
			trial_failed("no memory for a command");
		if (i > 0)
			*at++ = ' ';
		at = append_quoted(at, words[i]);
	}
	return (struct command){.file = argv[0], .argv = argv, .envp = environ, .line = line};
}

const char *trial_path(const struct trial *trial, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", trial->folder, name) < 0)
		trial_failed("no memory for a path");
	return path;
}

static void create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		trial_failed("%s: %s", path, strerror(errno));
	close(fd);
}

static char *assignment(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		trial_failed("no memory for the environment");
	return text;
}

/* The environment is the process's own as well: a helper of the C library takes it from there. */
static struct command probe_with(const struct trial *trial, const char *held_by)
{
	const char *words[] = {host_own_program("probe"), NULL};
	const char *record = trial_path(trial, "inherited");
	static char *environment[4];

	if (!words[0])
		trial_failed("the program `probe` is not beside the worker");
	create(record);
	environment[0] = assignment("PATH", "/usr/local/bin:/usr/bin:/bin");
	environment[1] = assignment("LAUNCHBENCH_INHERITED", record);
	environment[2] = held_by ? assignment("LAUNCHBENCH_GATE", held_by) : NULL;
	environ = environment;
	return trial_command(words);
}

struct command trial_probe(const struct trial *trial)
{
	return probe_with(trial, NULL);
}

struct command trial_held_probe(const struct trial *trial)
{
	gate_path = trial_path(trial, "gate");
	if (mkfifo(gate_path, 0600) != 0)
		trial_failed("%s: %s", gate_path, strerror(errno));
	return probe_with(trial, gate_path);
}

void trial_release(void)
{
	/* Not closed: a probe that has not opened its end yet would wait for a writer for ever. */
	if (write(gate, "", 1) != 1)
		trial_failed("%s: %s", gate_path, strerror(errno));
}

void pause_ms(int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static bool read_record(const char *path, struct inherited *out)
{
	char text[2048];
	int fd = open(path, O_RDONLY | O_CLOEXEC), pid;
	ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	unsigned long blocked, ignored;

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	if (sscanf(text, "pid=%d parent=%*d session=%*d group=%*d umask=%*o blocked=%lx ignored=%lx descriptors=%511s", &pid,
		   &blocked, &ignored, out->descriptors) != 4)
		trial_failed("the probe wrote what cannot be read: %.200s", text);
	out->pid = pid;
	out->blocked = blocked;
	out->ignored = ignored;
	return true;
}

bool trial_inherited(const struct trial *trial, int patience, struct inherited *out)
{
	const char *path = trial_path(trial, "inherited");

	for (int waited = 0; !read_record(path, out); waited++) {
		if (waited >= patience)
			return false;
		pause_ms(1);
	}
	return true;
}

bool has_descriptor(const struct inherited *inherited, int fd)
{
	const char *at = inherited->descriptors;

	while (*at >= '0' && *at <= '9') {
		char *rest;
		long first = strtol(at, &rest, 10);
		long last = *rest == '-' ? strtol(rest + 1, &rest, 10) : first;

		if (first <= fd && fd <= last)
			return true;
		at = *rest == ',' ? rest + 1 : rest;
	}
	return false;
}

long system_call_of(pid_t thread)
{
	char path[64], line[64];
	long number = -1;

	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (length > 0) {
		line[length] = '\0';
		/* "running" is no number: it does not sleep. */
		if (sscanf(line, "%ld ", &number) != 1)
			number = -1;
	}
	return number;
}

bool waits_in_futex(pid_t thread)
{
	return system_call_of(thread) == SYS_futex;
}

void empty_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}
