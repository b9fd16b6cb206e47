/*
 * The launches of one worker: up to `in_flight` alive at once, collected in the order in which they were made.
 *
 * A burst is in_flight launches whose commands all end at the same moment. `probe` waits at a gate, a FIFO, until its last
 * writer has gone; and SIGCHLD is blocked from before that until all of them have ended, so that for the worker it is one
 * moment by construction and not by luck. (A thread that does nothing but wait collects meanwhile: no signal tells it.)
 * In the same way the gate holds a command while the worker writes to its footprint.
 */
#include "internal.h"
#include "statuses.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRIVAL_SIZE 16 /* struct arrival of ../command/probe.c */

struct flight {
	struct launch launch;
	struct sample *sample;
	uint64_t faults; /* of the caller, when it was called */
};

static const struct request *request;
static struct flight *flights; /* a ring */
static size_t oldest, alive;
static size_t most_zombies;
static int gate = -1, arrivals = -1;
static const char *gate_path;

/* ---- what is known of a child without collecting it --------------------------------------------------------------- */

/* Whoever collected it. */
static bool has_ended(pid_t pid)
{
	siginfo_t ended = {0};
	int result = pid > 0 ? waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) : 0;

	return result == 0 ? pid > 0 && ended.si_pid == pid : errno == ECHILD;
}

static bool is_zombie(pid_t pid)
{
	siginfo_t ended = {0};

	return pid > 0 && waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) == 0 && ended.si_pid == pid;
}

/* Returns when the child has ended; whoever collects it, it is not us. */
static void await_end(pid_t pid)
{
	siginfo_t ended;

	while (pid > 0 && waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
}

static void count_zombies(const struct sample *samples, size_t count)
{
	size_t zombies = 0;

	for (size_t i = 0; i < count; i++)
		zombies += !samples[i].has_status && is_zombie(samples[i].pid);
	if (zombies > most_zombies)
		most_zombies = zombies;
}

/* ---- the gate ----------------------------------------------------------------------------------------------------- */

static bool gated(void)
{
	return request->burst || (request->writes > 0 && !request->hold_child);
}

/* The time from the call to the end is then the worker's own, not the launch's. */
static bool held(void)
{
	return request->burst || request->writes > 0;
}

/* A FIFO that is open for writing can be opened for reading at once, and says nothing until it is closed. */
static void close_gate(void)
{
	gate = open(gate_path, O_RDWR | O_CLOEXEC);
	if (gate < 0)
		_exit(70); /* it could be opened before the clock ran */
}

static void open_gate(void)
{
	close(gate);
	gate = -1;
}

void flights_prepare(const struct request *asked)
{
	request = asked;
	flights = calloc(request->in_flight, sizeof *flights);
	if (!flights)
		refuse("failed", ENOMEM, "no memory for %zu launches at once", request->in_flight);
	if (!gated())
		return;
	gate_path = getenv("LAUNCHBENCH_GATE");
	const char *path = getenv("LAUNCHBENCH_ARRIVALS");
	if (!gate_path || !path)
		refuse("failed", EINVAL, "a gate and a file of arrivals are needed");
	arrivals = open(path, O_RDONLY | O_CLOEXEC);
	if (arrivals < 0 || (mkfifo(gate_path, 0600) != 0 && errno != EEXIST))
		refuse("failed", errno, "no gate for the commands to wait at");
	close_gate();
}

static size_t arrived(void)
{
	struct stat file;

	return fstat(arrivals, &file) == 0 ? (size_t)file.st_size / ARRIVAL_SIZE : 0;
}

/* The one launch of a strategy that keeps its children to itself is over, or never came to be. */
static bool is_settled(void)
{
	return request->strategy->settled && request->strategy->settled();
}

/* Until each of the flights has arrived at the gate, or has ended without: its exec failed. */
static void await_arrivals(size_t before)
{
	static const struct timespec a_while = {.tv_nsec = 100000};

	while (arrived() - before < alive) {
		size_t ended = 0;

		for (size_t i = 0; i < alive; i++) {
			const struct launch *launch = &flights[(oldest + i) % request->in_flight].launch;

			ended += launch->left->exec_error != 0 || has_ended(launch->pid);
		}
		if (arrived() - before + ended >= alive || is_settled())
			return;
		nanosleep(&a_while, NULL);
	}
}

/* ---- one launch --------------------------------------------------------------------------------------------------- */

static void record(struct flight *flight)
{
	const struct launch *launch = &flight->launch;
	struct sample *sample = flight->sample;

	sample->minor_faults = caller_faults() - flight->faults;
	sample->stage = (uint32_t)launch->stage;
	sample->error = launch->error;
	sample->has_status = launch->has_status;
	sample->status = launch->status;
	sample->pid = launch->pid;
	sample->state = 2;
}

/* Nothing in here allocates, prints or opens: what stands between the clocks is the launch. */
static void take_off(struct sample *sample)
{
	const struct strategy *strategy = request->strategy;
	void (*launched)(struct launch *) = request->reaper && !(strategy->traits & OWN_REAPER) ? request->reaper->launched
											      : NULL;
	bool here = !(strategy->traits & RUNS_CALLER_SIDE);
	size_t slot = (oldest + alive) % request->in_flight;
	struct flight *flight = &flights[slot];

	*flight = (struct flight){
		.sample = sample,
		.launch = {.command = &request->commands[sample->command],
			   .command_index = sample->command,
			   .slot = (uint32_t)slot,
			   .left = what_children_leave(slot)},
	};
	before_launch(&flight->launch);
	sample->state = 1;
	flight->faults = caller_faults();
	sample->call = flight->launch.called = now();
	if (here)
		host_before_launch();
	strategy->launch(&flight->launch);
	if (here)
		host_after_launch();
	sample->returned = now();
	if (flight->launch.stage != STAGE_NONE) {
		sample->reaped = now();
		record(flight);
		return;
	}
	if (launched)
		launched(&flight->launch);
	sample->pid = flight->launch.pid;
	alive++;
}

/* Waits for a launch as its strategy or its reaper does; where those only wait later or never, until it has ended. */
static void collect(struct launch *launch)
{
	const struct strategy *strategy = request->strategy;
	const struct reaper *reaper = request->reaper;
	void (*reap)(struct launch *) = strategy->reap;

	if (!(strategy->traits & OWN_REAPER))
		reap = reaper->traits & REAPS_LAST ? NULL : reaper->reap;
	/* It may have been lost when it had just been launched: nobody can be asked about it any more. */
	if (reap && launch->stage == STAGE_NONE)
		reap(launch);
	/* Not collected, or given up: the slot is free for the next launch only when nothing runs in it any more. */
	if (!reap || launch->stage == STAGE_WAIT)
		await_end(launch->pid);
	if (!reap && launch->stage == STAGE_NONE && launch->left->exec_error != 0) {
		/* Whoever collects later learns it from here; who never does, at least has this. */
		launch->error = launch->left->exec_error;
		launch->stage = reaper && reaper->reap ? STAGE_NONE : STAGE_EXEC;
	}
}

/* The oldest launch comes to its end. What was held has no time of its own. */
static void land(void)
{
	struct flight *flight = &flights[oldest];

	collect(&flight->launch);
	flight->sample->reaped = held() ? 0 : now();
	record(flight);
	oldest = (oldest + 1) % request->in_flight;
	alive--;
}

/* ---- a burst ------------------------------------------------------------------------------------------------------ */

static void let_all_end(size_t before)
{
	sigset_t child_ends, usual;

	await_arrivals(before);
	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, &usual);
	open_gate();
	size_t zombies = 0;
	for (size_t i = 0; i < alive; i++)
		await_end(flights[(oldest + i) % request->in_flight].launch.pid);
	for (size_t i = 0; i < alive; i++)
		zombies += is_zombie(flights[(oldest + i) % request->in_flight].launch.pid);
	if (zombies > most_zombies)
		most_zombies = zombies;
	sigprocmask(SIG_SETMASK, &usual, NULL);
	while (alive > 0)
		land();
	close_gate();
}

/* ---- the worker's own writes --------------------------------------------------------------------------------------- */

/* The command, or the child that is to become it, lives and does nothing while the worker writes to its footprint. */
static void write_meanwhile(struct sample *sample, size_t before)
{
	volatile struct left_behind *left = flights[oldest].launch.left;

	if (!request->hold_child)
		await_arrivals(before);
	else
		while (!await_held_child(left) && !is_settled() && !has_ended(flights[oldest].launch.pid))
			;
	sample->written = write_pages(request->writes);
	if (request->hold_child)
		let_child_go(left);
	else
		open_gate();
	land();
	if (!request->hold_child)
		close_gate();
	if (sample->stage != STAGE_NONE)
		sample->written = 0; /* nothing was alive meanwhile */
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

/* The reaper's own closing wait, while the last launches are still alive: it returns when all have gone. */
static void await_all(void)
{
	struct left_behind left = {0};
	struct launch all = {.left = &left};

	request->reaper->reap(&all);
}

/* What is collected only now, and the zombies that there were until then. */
static void collect_the_rest(struct sample *samples, size_t count)
{
	count_zombies(samples, count);
	if ((request->strategy->traits & OWN_REAPER) || !(request->reaper->traits & REAPS_LAST))
		return;
	for (size_t i = 0; i < count; i++) {
		struct left_behind left = {.exec_error = samples[i].error};
		struct launch launch = {.pid = samples[i].pid, .left = &left, .called = samples[i].call};

		if (samples[i].stage != STAGE_NONE || samples[i].pid <= 0)
			continue;
		request->reaper->reap(&launch);
		samples[i].reaped = held() ? 0 : now();
		samples[i].stage = (uint32_t)launch.stage;
		samples[i].error = launch.error;
		samples[i].has_status = launch.has_status;
		samples[i].status = launch.status;
	}
}

size_t flights_make(struct sample *samples)
{
	int64_t deadline = now() + request->time_limit;
	size_t made, before = 0;

	for (made = 0; made < request->planned && now() < deadline; made++) {
		if (alive == 0 && gated())
			before = arrived();
		samples[made].command = request->plan[made];
		samples[made].warmup = made < request->warmup;
		samples[made].pace = pacer_ask();
		take_off(&samples[made]);
		if (request->writes > 0 && alive > 0)
			write_meanwhile(&samples[made], before);
		if (alive < request->in_flight)
			continue;
		if (request->burst)
			let_all_end(before);
		else
			land();
	}
	if (request->burst && alive > 0)
		let_all_end(before);
	if (alive > 0 && !(request->strategy->traits & OWN_REAPER) && (request->reaper->traits & AWAITS_NOBODY_LEFT))
		await_all();
	while (alive > 0)
		land();
	collect_the_rest(samples, made);
	return made;
}

size_t flights_most_zombies(void)
{
	return most_zombies;
}

/* NULL, or why these launches cannot be made with this strategy. */
const char *flights_supported(const struct request *asked)
{
	unsigned traits = asked->strategy->traits;

	if (asked->burst && (traits & OWN_REAPER))
		return "its commands are not the worker's own children: nobody sees when all of a burst have ended";
	if (asked->in_flight > MOST_STATUSES)
		return "more launches at once than there is room for statuses (8192)";
	if (asked->in_flight > 1 && (traits & OWN_REAPER) && !(traits & KEEPS_MANY))
		return "this strategy waits for each command before the next";
	if (!(traits & OWN_REAPER) && (traits & KEEPS_A_HELPER) && (asked->reaper->traits & AWAITS_NOBODY_LEFT))
		return "its helper is a child as well: who waits for all of them waits for ever";
	return NULL;
}
