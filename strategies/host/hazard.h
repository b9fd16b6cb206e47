/*
 * Hazards: known ways to go wrong, tried with a strategy and judged by an oracle.
 *
 * One file in strategies/hazard/ is one hazard. It ends with LAUNCHBENCH_HAZARD(...). For each strategy the worker asks
 * its oracle, then makes its trials, each in a process of its own:
 *
 *      runner        supervisor (hazard.c)         trial                    what it launches
 *      start  ---->  oracle()
 *                    fork ---------------------->  trial()  ------------->  helper, child, command
 *                    watch, until it says how it   trial_hit() or
 *                    ended, stands still for ever, trial_missed()
 *                    or its time is over
 *                    kill and bury all of them
 *             <----  one line: hits of trials
 *
 * A trial brings about the very circumstances that its claim is about, by construction and not by luck, and then launches.
 * Threads, handlers, limits and its folder go with it. A process that it leaves alive is ended, and told as a stray.
 */
#ifndef LAUNCHBENCH_HAZARD_H
#define LAUNCHBENCH_HAZARD_H

#include "host.h"

/* How often a hazard must strike. The first three are the file format's `oracle`. */
enum frequency {
	ALWAYS,
	SOMETIMES,      /* a race that is lost now and then: in at least one of the trials */
	NEVER,
	UNSAID,         /* nothing is demanded: it is counted only */
	NEVER_POSSIBLE, /* the mechanism rules it out, and there is nothing to try: why */
	NOT_TRIED,      /* it cannot be tried with this strategy: why */
};

struct oracle {
	enum frequency frequency;
	const char *reason; /* of the last two */
};

/* One trial, as its hazard sees it. */
struct trial {
	const struct strategy *strategy;
	const char *mitigation; /* NULL: as it comes */
	size_t number;          /* from 0 */
	const char *folder;     /* empty, and the trial's own */
	const char *python;     /* an interpreter, or NULL */
	const char *group;      /* with needs_group: the folder of an empty control group with the pids controller */
};

struct hazard {
	const char *name;
	const char *summary;               /* one line, for `launchbench list`: what goes wrong */
	const char *source;                /* where the claim comes from: POSIX section, man page, bug */
	const char *const *mitigations;    /* optional, ends with NULL: what is recommended against it. The name of a
					      hygiene is that hygiene, wherever the strategy has a place for it */
	size_t most_trials;                /* optional: of one that takes long, or is as certain the first time */
	bool needs_group;                  /* optional: `group` of the trial; without one it is not tried */
	const char *(*supported)(void);    /* optional: NULL, or the reason why not here */
	struct oracle (*oracle)(const struct strategy *strategy, const char *mitigation); /* required */
	void (*trial)(struct trial *trial);                                               /* required; ends as below */
};

/* The ends of a trial. What goes to the report is the text of the first hit. */
void trial_hit(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void trial_missed(void) __attribute__((noreturn));
/* Its circumstances could not be brought about, or were not seen to be there: it does not count, and the report says so. */
void trial_not_made(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Something happened that no oracle foresees. */
void trial_failed(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

bool mitigated_by(const struct trial *trial, const char *name);

/* The strategy of the trial, made ready for these commands, with the mitigation if it is a hygiene. Before anything that
 * a helper must not inherit. `child_side` is run in the child, before what a hygiene does there; NULL: nothing is. */
void trial_prepare(struct trial *trial, const struct command *commands, size_t count, void (*child_side)(void));
void trial_launch(const struct trial *trial, struct launch *launch, size_t command);
void trial_reap(const struct trial *trial, struct launch *launch);
/* Both, and whether the command ran and ended with status 0. */
bool trial_run(const struct trial *trial, struct launch *launch, size_t command);
const char *stage_name(enum stage stage);

/* Commands for trials. They live as long as the trial. */
struct command trial_command(const char *const *words); /* ends with NULL; the environment is the process's */
struct command trial_probe(const struct trial *trial); /* writes what it inherited; trial_inherited() reads it */
struct command trial_held_probe(const struct trial *trial); /* the same, and lives until trial_release() */
void trial_release(void);

struct inherited {
	pid_t pid;
	uint64_t blocked, ignored; /* signal N is bit N - 1 */
	char descriptors[512];     /* such as 0-2,7 */
};
/* Waits for the record; false when none comes within `patience` ms. */
bool trial_inherited(const struct trial *trial, int patience, struct inherited *out);
bool has_descriptor(const struct inherited *inherited, int fd);

/* A path in the trial's folder; it stays until the trial's end. */
const char *trial_path(const struct trial *trial, const char *name);

/* A child that is about to do what may never end says so: the supervisor then looks whether it ever can. Only for one
 * that is alone in its memory. 0: it came through. A hang here is a hit; anywhere else the trial is broken. */
void trial_at_risk(pid_t pid);

/* Shared among all processes of a trial, zero at its start. */
struct trial_shared {
	volatile int count[8];
};
struct trial_shared *trial_shared(void);

bool waits_in_futex(pid_t thread);       /* a thread of this process sleeps in futex(2) */
long system_call_of(pid_t thread);       /* the system call that a thread of this process sleeps in, or -1 */
void pause_ms(int ms);

#endif
