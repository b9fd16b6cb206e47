/*
 * The host: what a strategy, a reaper or a hygiene may use, and what it must keep to.
 *
 * One file in strategies/launch/ is one way to launch a command. It ends with LAUNCHBENCH_STRATEGY(...), which places a
 * pointer in a section of its own; the linker collects the section, so no list names the strategies (registry.c).
 *
 * The child's side. Between a fork, vfork or clone and the exec, code runs in a copy of a process (or, under CLONE_VM,
 * in the process itself) whose locks may be held by nobody: only async-signal-safe functions may be called
 * (signal-safety(7); POSIX.1-2017, fork(): "the child process may only execute async-signal-safe operations until such
 * time as one of the exec functions is called"). A child under CLONE_VM moreover writes into the launcher's memory:
 * it touches nothing but its own locals, errno and launch->left. Every child ends in host_exec(), which keeps to
 * this; a strategy that does more says beside the line why it may.
 */
#ifndef LAUNCHBENCH_HOST_H
#define LAUNCHBENCH_HOST_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a launch failed. The values are the file format's `codes.stage`. */
enum stage { STAGE_NONE = 0, STAGE_SPAWN = 1, STAGE_EXEC = 2, STAGE_WAIT = 3 };

/* One command of the mix, made ready before anything is timed. */
struct command {
	const char *file;   /* what execve() gets: argv[0] as found along PATH, or as written when nothing was found */
	char *const *argv;
	char *const *envp;
	const char *line;   /* the same words for a shell, quoted where they need it */
};

/* What a child leaves for its parent: in memory that both share, also after a fork. Zero before each launch. */
struct left_behind {
	int exec_error; /* errno of an exec that failed */
	pid_t pid;      /* of a process that the child made on its way */
	int spawn_error; /* errno of a process that the child could not make */
	uint32_t held, let_go; /* futexes: the child waits before its exec, and may go on */
};

/* One launch: the host fills the first part before the call, the strategy and the reaper fill the second. */
struct launch {
	const struct command *command;
	uint32_t command_index;
	uint32_t slot;     /* of those that may be in flight: no other launch has it before this one is over */
	int64_t called;    /* CLOCK_MONOTONIC, ns */
	volatile struct left_behind *left;

	pid_t pid;         /* a child of this process that can be waited for; 0 when there is none */
	enum stage stage;  /* where it failed, STAGE_NONE when it did not */
	int error;         /* errno, as the kernel or the library gave it */
	bool has_status;
	int status;        /* as waitpid() fills it */
	uint64_t token;    /* the strategy's or the reaper's own, from the launch to its reaping */
};

/* What the hooks of one worker share; lives from before prepare() to after finish(). */
struct session {
	const struct command *commands;
	size_t command_count;
	size_t in_flight; /* launches that may be alive at once */
	char *footprint; /* NULL until it is mapped */
	size_t footprint_size;
};

/* In which form the outcome of a command comes back to the caller. */
enum status_form {
	STATUS_WAIT = 0,  /* the whole wait status */
	STATUS_SHELL = 1, /* as `$?` in a shell: a signal may come as 128+n, a failed exec as 126 or 127 */
};

/* What a strategy's name claims about the memory between the launch and the exec; held against what is observed. */
enum memory_claim {
	MEMORY_UNSAID = 0,
	MEMORY_COPIED = 1, /* a fork: the child has page tables of its own */
	MEMORY_SHARED = 2, /* CLONE_VM: the child runs in its parent's memory */
};

enum strategy_traits {
	OWN_REAPER = 1 << 0,       /* has children of its own keeping: `reap` is its own, no reaper applies */
	LAUNCHES_NOTHING = 1 << 1, /* the floor: nothing is expected to run */
	RUNS_CHILD_SIDE = 1 << 2,  /* its child is its own code until the exec: it ends in host_exec(), where a hygiene acts */
	RUNS_SPAWN_SIDE = 1 << 3,  /* posix_spawn() is given host_file_actions() and host_attributes() */
	RUNS_CALLER_SIDE = 1 << 4, /* launches elsewhere (in a thread), and calls host_before_launch() there by itself */
	KEEPS_MANY = 1 << 5,       /* with OWN_REAPER: any number of launches may be in flight */
	KEEPS_A_HELPER = 1 << 6,   /* a child of the worker's own lives as long as the worker */
};

/* What else a strategy says of itself. Hazards expect it, and so find out when it is not so (strategies/hazard/). */
enum strategy_claims {
	SUSPENDS = 1 << 0,           /* the thread that launches stands still until its child has exec'ed or ended */
	BEHIND_A_HELPER = 1 << 1,    /* a process forked beforehand launches: what a command inherits is not the caller's */
	ANOTHER_FIRST = 1 << 2,      /* another program, a shell or the shim, is executed before the command */
	CLEARS_HANDLERS = 1 << 3,    /* no handler of the caller's is there in the child */
	NEEDS_DESCRIPTOR = 1 << 4,   /* each launch opens at least one in the caller */
	NEEDS_CLONE3 = 1 << 5,       /* there is no other call that it could take */
	TELLS_ENOMEM = 1 << 6,       /* whatever its library call fails with, the caller may be told ENOMEM */
};

/* What the command does not inherit, whatever the caller had; held against what the command itself reports. */
enum inheritance_promises {
	NO_DESCRIPTORS = 1 << 0,    /* above 2 */
	NO_BLOCKED_SIGNALS = 1 << 1,
	NO_IGNORED_SIGNALS = 1 << 2,
};

struct strategy {
	const char *name;
	const char *summary;                                     /* one line, for `launchbench list` */
	unsigned traits;
	unsigned claims;
	unsigned promises;
	enum status_form status_form;
	enum memory_claim memory;
	const char *(*supported)(void);                          /* optional: NULL, or the reason why not here */
	const char *(*prepare)(const struct session *session);   /* optional: before the footprint; NULL, or what failed */
	const char *(*grown)(const struct session *session);     /* optional: the footprint is there; NULL, or what failed */
	void (*launch)(struct launch *launch);                   /* required: timed; returns when the caller may go on */
	void (*reap)(struct launch *launch);                     /* with OWN_REAPER: timed; until the status is known */
	bool (*settled)(void);                                   /* optional, with OWN_REAPER: is its one launch over, or was it none? */
	void (*finish)(void);                                    /* optional: after `exit` */
};

enum reaper_traits {
	REAPS_LAST = 1 << 0,    /* collects nothing before every launch is over */
	LOSES_STATUSES = 1 << 2,     /* of some of its children, or of all: that is what it is here to show */
	AWAITS_NOBODY_LEFT = 1 << 1, /* waits until there is no child any more, whoever it is */
};

/* Collects the status of launch->pid. */
struct reaper {
	const char *name;
	const char *summary;
	unsigned traits;
	const char *(*supported)(void);
	const char *(*prepare)(const struct session *session);
	void (*launched)(struct launch *launch); /* optional, timed: there is a child, it may have ended already */
	void (*reap)(struct launch *launch);     /* timed: until the status is known or lost; NULL: nobody ever waits */
	void (*finish)(void);
};

/*
 * What is done to descriptors and signals around the launch and between it and the exec. All of it is timed but prepare
 * and finish. `child` runs on the child's side (above), also in memory that is the caller's: system calls by raw_call(),
 * a few hundred bytes of stack. `spawn` is the same for posix_spawn(), which runs nobody's code: what it is asked to do.
 */
struct hygiene {
	const char *name;
	const char *summary;
	unsigned promises;
	bool opens_cloexec; /* the worker opens its open_files with O_CLOEXEC whatever the scenario says */
	const char *(*supported)(void);
	const char *(*prepare)(const struct session *session);
	void (*before)(void); /* the caller's side, right before the launch */
	void (*child)(void);
	int (*spawn)(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes); /* 0, or an errno */
	void (*after)(void);  /* the caller's side, right after the launch */
};

#define LAUNCHBENCH_REGISTER(type, ...)                                                                               \
	static const struct type registered_##type = {__VA_ARGS__};                                                  \
	static const struct type *const registered_##type##_entry                                                    \
		__attribute__((section("launchbench_" #type), used)) = &registered_##type

#define LAUNCHBENCH_STRATEGY(...) LAUNCHBENCH_REGISTER(strategy, __VA_ARGS__)
#define LAUNCHBENCH_REAPER(...) LAUNCHBENCH_REGISTER(reaper, __VA_ARGS__)
#define LAUNCHBENCH_HYGIENE(...) LAUNCHBENCH_REGISTER(hygiene, __VA_ARGS__)
#define LAUNCHBENCH_HAZARD(...) LAUNCHBENCH_REGISTER(hazard, __VA_ARGS__) /* hazard.h */

/* What the hygiene of this worker does, and where a scenario wants a child held; nothing when there is nothing to do. */
void host_before_launch(void);
void host_after_launch(void);
void host_child_side(void); /* host_exec() calls it; for a child that execs by itself */
const posix_spawn_file_actions_t *host_file_actions(void); /* NULL: none */
const posix_spawnattr_t *host_attributes(void);

/* Ends a child: execs the command, or leaves the reason in launch->left and calls _exit(127). Child's side. */
_Noreturn void host_exec(const struct launch *launch);

/* The path of a program of strategies/command/: they stand beside the worker. NULL when it is not there. */
const char *host_own_program(const char *name);

/* As `supported`: NULL, or that the shell which system() and popen() start is not there. */
const char *host_shell_supported(void);

/* The launch call itself failed and no child exists. */
void host_spawn_failed(struct launch *launch, int error);

/* A library call failed that both creates the child and execs in it: finds out which of the two failed. */
void host_library_failed(struct launch *launch, int error);

/* The child of launch was waited for; an exec error that it left behind becomes the launch's. */
void host_reaped(struct launch *launch, int status);

/* waitpid() for the very child: its status becomes the launch's, or is lost. */
void host_wait(struct launch *launch);

/* No status can be had any more (waitpid or pclose failed with error; 0: it was missed). */
void host_status_lost(struct launch *launch, int error);

/* A wait status as the one byte that a shell would make of it in `$?`. */
int host_status_byte(int status);

/* Forks a helper that lives beside the footprint, not with it: it dies with the worker. As fork(2). */
pid_t host_fork_helper(void);

#endif
