/* What the files of the host share among themselves; no strategy includes this. */
#ifndef LAUNCHBENCH_INTERNAL_H
#define LAUNCHBENCH_INTERNAL_H

#include "host.h"

/* Where the control channel is kept: descriptors 0..2 are the commands' own. */
#define CONTROL_DESCRIPTOR 3

/* One way to map a footprint. */
struct backing {
	const char *name;
	const char *summary;
	char *(*map)(size_t size); /* MAP_FAILED and errno when the kernel refuses */
	size_t unit;               /* sizes are rounded up to it; 0: to nothing */
	bool touched;              /* every page is there before anything is launched; else none */
	bool huge;                 /* as transparent huge pages */
	bool hugetlb;              /* from the pool of reserved huge pages */
	const char *(*supported)(void);
};

/* One request as it came from the runner; request.c has the format. */
struct request {
	const struct strategy *strategy;
	const struct reaper *reaper;
	const struct hygiene *hygiene;
	const struct backing *backing;
	size_t footprint;          /* bytes */
	size_t vmas;               /* pieces it is mapped in */
	size_t open_files;
	bool inheritable;          /* they are opened without O_CLOEXEC */
	size_t in_flight;          /* launches alive at once */
	bool burst;                /* all of them end at the same moment, then come the next */
	size_t writes;             /* pages of the footprint that are written while a command lives */
	bool hold_child;           /* ... before its exec, not after it */
	size_t bystanders;
	int64_t time_limit;        /* ns, over all launches */
	const char *samples;       /* path of the mapped file */
	const char *pacer;         /* path of the socket at which it is asked; NULL: there is none */
	const char *fill_cpus;     /* CPUs that may help to touch the footprint, such as "0,1" */
	struct command *commands;
	size_t command_count;
	uint32_t *plan;            /* the command of each launch, in order */
	size_t planned;
	size_t warmup;             /* how many of them come first and are marked */
};

/* registry.c */
const struct strategy *find_strategy(const char *name);
const struct reaper *find_reaper(const char *name);
const struct hygiene *find_hygiene(const char *name);
const struct hazard *find_hazard(const char *name);
void list_registered(void);

/* hygiene.c: NULL, or why it cannot be, and what failed */
const char *hygiene_supported(const struct hygiene *hygiene, const struct strategy *strategy);
const char *hygiene_prepare(const struct hygiene *hygiene, const struct strategy *strategy, const struct session *session);

/* request.c: reads one request from the control channel; ends the process with a message when it is malformed. */
void read_request(struct request *request);
bool read_word(const char *word);

/* backing.c */
const struct backing *find_backing(const char *name);
const struct backing *next_backing(const struct backing *backing); /* NULL: the first; NULL after the last */
bool cut(char *start, size_t size, size_t pieces);

/* footprint.c */
struct footprint {
	char *start;
	size_t size;
	uint64_t mapped, rss, anon_huge, hugetlb, page_tables, vmas; /* bytes, and how many mappings hold it */
	int64_t fill;                                       /* ns to map and touch */
};
bool map_footprint(const struct request *request, struct footprint *out);

/* samples.c: one record a launch in a file that outlives the worker. The runner decodes it (bench/measure/samples.py). */
struct sample {
	uint32_t state; /* 0 not begun, 1 under way, 2 over */
	uint32_t command;
	uint32_t warmup;
	uint32_t stage;
	int32_t error;
	int32_t has_status;
	int32_t status;
	int32_t pid;
	int64_t call, returned, reaped; /* CLOCK_MONOTONIC, ns */
	uint64_t minor_faults;
	int64_t written; /* ns that writes to the footprint took; 0: there were none */
	int64_t pace;    /* ns that the pacer's launch took before this one; 0: it was not asked */
};
struct sample *map_samples(const char *path, size_t planned);

/* flights.c: the launches of one worker. */
const char *flights_supported(const struct request *request);
void flights_prepare(const struct request *request);
size_t flights_make(struct sample *samples); /* how many were made before the time limit */
size_t flights_most_zombies(void);

/* pacer.c */
int pacer(const char *program);
void pacer_meet(const char *path);
int64_t pacer_ask(void);

/* writes.c */
const char *writes_supported(const struct request *request);
void writes_prepare(const struct request *request, const struct footprint *footprint);
int64_t write_pages(size_t count);
void hold_child(void); /* child's side */
bool await_held_child(volatile struct left_behind *left);
void let_child_go(volatile struct left_behind *left);

/* bystanders.c */
void bystanders_start(size_t count);
void bystanders_end(int64_t launching, int64_t *stall, int64_t *control);

/* session.c: one worker from request to exit. */
int work(void);

/* isolate.c: prepares a process for measuring and becomes the program that follows `--`. */
int isolate(int argc, char **argv);

/* no_fork.c: becomes a program that, with all that it starts, can copy no process. */
int no_fork(char **program);

/* hazard.c: tries one hazard with one strategy, and answers on standard output. */
int hazard(int count, char **words);

/* observe.c: writes down which calls make processes and exec, in a launch of the program that follows. */
int observe(int argc, char **argv);

/* root.c: settings of isolate, in this order. `lend` is read-only. */
bool bind_folder(const char *pair);
bool lend_folder(const char *pair);
bool change_root(const char *folder);

/* libc.c */
void say_libc(void);

/* ../guest/agent.c: carries out workers for a runner at the other end of a serial line. */
int agent(const char *device, const char *folder);

/* message.c: one JSON object a line, to the runner. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void refuse(const char *kind, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *quoted(const char *text, char *buffer, size_t size);

/* clock.c */
int64_t now(void);
uint64_t caller_faults(void);

/* outcome.c: remembers what host_library_failed() compares against. */
void before_launch(const struct launch *launch);
void share_outcomes(size_t in_flight);
volatile struct left_behind *what_children_leave(size_t slot);

#endif
