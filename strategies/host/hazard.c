/*
 * The supervisor of one hazard with one strategy: asks the oracle, makes the trials, each in a process of its own, and
 * leaves nothing of them behind, hung ones included. The trial's side is trial.c.
 */
#include "family.h"
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS 300000
#define LONGEST_TRIAL_NS ((int64_t)10 * 1000000000)
#define GRACE_NS ((int64_t)200 * 1000000) /* for a helper that ends because its trial has */
#define MOST_STRAYS 8                     /* that are told by name */
#define ANSWER_DESCRIPTOR CONTROL_DESCRIPTOR

static const char *const frequencies[] = {"\"always\"", "\"sometimes\"", "\"never\"", "null", "null", "null"};

struct hazard_request {
	const struct hazard *hazard;
	const struct hygiene *hygiene;
	struct trial trial;
	size_t trials;
};

struct tally {
	size_t made, hits, hangs;
	size_t not_made;         /* trials whose circumstances did not come about: they do not count */
	char detail[TEXT_SIZE];  /* of the first hit */
	char reason[TEXT_SIZE];  /* of the last trial that was not made, or of the failure */
	bool failed;
	struct member strays[MOST_STRAYS];
	size_t stray_count;
};

/* How a trial's time came to its end. */
enum course {
	ENDED,
	WAITS_FOR_EVER, /* a child of it, in a call that is at risk */
	TIME_OVER,
};

/* As the file format has them: a list of {pid, name, state}. */
static const char *strays_text(const struct tally *tally, char *text, size_t size)
{
	size_t length = 0;
	char name[64];

	text[0] = '\0';
	for (size_t i = 0; i < tally->stray_count && i < MOST_STRAYS && length < size; i++) {
		const struct member *stray = &tally->strays[i];

		length += (size_t)snprintf(text + length, size - length, "%s{\"pid\":%d,\"name\":%s,\"state\":\"%c\"}",
					   i ? "," : "", (int)stray->pid, quoted(stray->name, name, sizeof name), stray->state);
	}
	return text;
}

static _Noreturn void answer(const char *outcome, const char *reason, struct oracle oracle, const struct tally *tally)
{
	char quoted_reason[2 * TEXT_SIZE + 8], quoted_detail[2 * TEXT_SIZE + 8], strays[MOST_STRAYS * 128];

	dprintf(ANSWER_DESCRIPTOR,
		"{\"outcome\":\"%s\",\"reason\":%s,\"oracle\":%s,\"trials\":%zu,\"hits\":%zu,\"hangs\":%zu,"
		"\"not_made\":%zu,\"strays\":[%s],\"detail\":%s}\n",
		outcome, reason ? quoted(reason, quoted_reason, sizeof quoted_reason) : "null",
		frequencies[oracle.frequency], tally->made, tally->hits, tally->hangs, tally->not_made,
		strays_text(tally, strays, sizeof strays),
		tally->detail[0] ? quoted(tally->detail, quoted_detail, sizeof quoted_detail) : "null");
	exit(0);
}

static int malformed(const char *word)
{
	fprintf(stderr, "hazard: %s: not understood\n", word);
	return 2;
}

static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool read_words(int count, char **words, struct hazard_request *request)
{
	const char *value;

	for (int i = 0; i < count; i++) {
		if ((value = value_of(words[i], "hazard")))
			request->hazard = find_hazard(value);
		else if ((value = value_of(words[i], "strategy")))
			request->trial.strategy = find_strategy(value);
		else if ((value = value_of(words[i], "mitigation")))
			request->trial.mitigation = value;
		else if ((value = value_of(words[i], "trials")))
			request->trials = strtoul(value, NULL, 10);
		else if ((value = value_of(words[i], "folder")))
			request->trial.folder = value;
		else if ((value = value_of(words[i], "python")))
			request->trial.python = value;
		else if ((value = value_of(words[i], "group")))
			request->trial.group = value;
		else
			return false;
	}
	if (request->trial.mitigation)
		request->hygiene = find_hygiene(request->trial.mitigation);
	return request->hazard && request->trial.strategy && request->trial.folder && request->trials > 0;
}

/* A hygiene that the strategy has no place for cannot mitigate anything in it. */
static struct oracle ask(const struct hazard_request *request)
{
	const struct strategy *strategy = request->trial.strategy;
	const char *reason = request->hazard->supported ? request->hazard->supported() : NULL;

	if (!reason && request->hazard->needs_group && !request->trial.group)
		reason = "it needs a control group of its own";
	if (!reason && strategy->supported)
		reason = strategy->supported();
	if (!reason && request->hygiene)
		reason = hygiene_supported(request->hygiene, strategy);
	if (reason)
		return (struct oracle){NOT_TRIED, reason};
	return request->hazard->oracle(strategy, request->trial.mitigation);
}

/* What /proc says of a process's or thread's system call: its number and its fourth argument. */
static bool read_system_call(const char *path, long *number, unsigned long *timeout)
{
	char line[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return false;
	line[length] = '\0';
	return sscanf(line, "%ld %*x %*x %*x %lx", number, timeout) == 2;
}

/*
 * A process that is alone in its memory, has one thread, and sleeps in futex(2) without a timeout sleeps for ever: whoever
 * could wake it would have to be in that memory. So a lock that was copied in its locked state is told from a slow machine.
 */
static bool sleeps_for_ever(pid_t pid)
{
	char path[64];
	long number;
	unsigned long timeout;

	snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
	return read_system_call(path, &number, &timeout) && number == SYS_futex && timeout == 0;
}

/* Kills every descendant and buries it: as a subreaper this process gets the orphans too. */
static void end_everything(void)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	for (;;) {
		FILE *children = fopen(path, "re");
		int pid;

		if (!children) /* CONFIG_PROC_CHILDREN is off: the runner ends what is left, by its own count */
			return;
		while (fscanf(children, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		fclose(children);
		/* Blocks for the first: what was sent SIGKILL ends. Its own children come here, and are there in the next turn. */
		if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD)
			return;
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
	}
}

static enum course watch(pid_t pid, const struct trial_report *report, int *status)
{
	static const struct timespec moment = {.tv_nsec = LOOK_EVERY_NS};
	int64_t deadline = now() + LONGEST_TRIAL_NS;
	pid_t suspect = 0;

	for (;;) {
		pid_t at_risk = report->at_risk;

		if (waitpid(pid, status, WNOHANG | __WALL) == pid)
			return ENDED;
		if (at_risk != 0 && sleeps_for_ever(at_risk)) {
			if (suspect == at_risk) /* twice, and at risk all the time between */
				return WAITS_FOR_EVER;
			suspect = at_risk;
		} else {
			suspect = 0;
		}
		if (now() > deadline)
			return TIME_OVER;
		nanosleep(&moment, NULL);
	}
}

/* Who is alive a moment after its trial has ended was left behind by the launch: a helper ends with its caller. */
static void find_strays(struct tally *tally)
{
	static const struct timespec moment = {.tv_nsec = LOOK_EVERY_NS};
	int64_t deadline = now() + GRACE_NS;
	struct member left[MOST_STRAYS];
	int count;

	for (;;) {
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
		if ((count = family_of(getpid(), left, MOST_STRAYS)) <= 0)
			return;
		if (now() > deadline)
			break;
		nanosleep(&moment, NULL);
	}
	for (size_t i = 0; i < (size_t)count && i < MOST_STRAYS && tally->stray_count < MOST_STRAYS; i++)
		tally->strays[tally->stray_count++] = left[i];
}

/* A hang is what the hazard is about where a child has said that it is at risk, and nowhere else. */
static void count_hang(struct tally *tally, const struct trial_report *report, enum course course)
{
	if (course == TIME_OVER && report->at_risk == 0) {
		snprintf(tally->reason, sizeof tally->reason,
			 "the trial hung: nothing had ended after 10 s, and that is not what this hazard is about");
		tally->failed = true;
		return;
	}
	tally->made++, tally->hits++, tally->hangs++;
	if (!tally->detail[0])
		snprintf(tally->detail, sizeof tally->detail, "%s",
			 course == WAITS_FOR_EVER
				 ? "the child waits for a lock that no thread of its process holds, and none ever will"
				 : "the child had not come back from the call after 10 s");
}

static void count(struct tally *tally, const struct trial_report *report, int status)
{
	switch (report->end) {
	case TRIAL_HIT:
		tally->made++, tally->hits++;
		if (!tally->detail[0])
			memcpy(tally->detail, report->text, sizeof tally->detail);
		return;
	case TRIAL_MISSED:
		tally->made++;
		return;
	case TRIAL_NOT_MADE:
		tally->not_made++;
		memcpy(tally->reason, report->text, sizeof tally->reason);
		return;
	case TRIAL_FAILED:
		memcpy(tally->reason, report->text, sizeof tally->reason);
		break;
	default:
		snprintf(tally->reason, sizeof tally->reason, "the trial ended with %s %d and had said nothing",
			 WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	tally->failed = true;
}

static void make_trial(const struct hazard_request *request, size_t number, struct trial_report *report,
		       struct tally *tally)
{
	int status = 0;

	memset(report, 0, sizeof *report);
	pid_t pid = fork();
	if (pid < 0) {
		snprintf(tally->reason, sizeof tally->reason, "no process for the trial: %s", strerror(errno));
		tally->failed = true;
		return;
	}
	if (pid == 0) {
		struct trial trial = request->trial;

		/* Taken all the same: a helper closes what it believes to be the control channel. */
		dup3(0, ANSWER_DESCRIPTOR, O_CLOEXEC);
		trial.number = number;
		trial_begin(&trial, request->hygiene, report);
		request->hazard->trial(&trial);
		trial_failed("the probe came to no end of its own");
	}
	enum course course = watch(pid, report, &status);
	if (course == ENDED) {
		count(tally, report, status);
		find_strays(tally);
	} else {
		count_hang(tally, report, course);
	}
	end_everything();
	empty_folder(request->trial.folder);
}

static bool take_answer_channel(void)
{
	/* Commands write to the trial's standard output, and only the answer is for the runner. */
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	return nowhere >= 0 && dup3(1, ANSWER_DESCRIPTOR, O_CLOEXEC) >= 0 && dup2(nowhere, 1) >= 0 &&
	       dup2(nowhere, 0) >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

int hazard(int count, char **words)
{
	struct hazard_request request = {.trials = 1};
	struct tally tally = {0};

	if (!read_words(count, words, &request))
		return malformed(words[0]);
	if (!take_answer_channel())
		return 70;
	struct oracle oracle = ask(&request);
	if (oracle.frequency == NEVER_POSSIBLE || oracle.frequency == NOT_TRIED)
		answer(oracle.frequency == NOT_TRIED ? "not_tried" : "never_possible", oracle.reason, oracle, &tally);
	struct trial_report *report =
		mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return 70;
	size_t most = request.hazard->most_trials;
	size_t trials = most && most < request.trials ? most : request.trials;
	for (size_t i = 0; i < trials && !tally.failed; i++)
		make_trial(&request, i, report, &tally);
	if (tally.failed)
		answer("failed", tally.reason, oracle, &tally);
	if (tally.made == 0)
		answer("not_tried", tally.reason, (struct oracle){NOT_TRIED, NULL}, &tally);
	answer("tried", tally.not_made ? tally.reason : NULL, oracle, &tally);
}
