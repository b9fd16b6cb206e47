/* An order, and what is in force while its worker runs; attend.c carries it out. */
#ifndef LAUNCHBENCH_ORDER_H
#define LAUNCHBENCH_ORDER_H

#include "guest.h"

#define MOST_WORDS 64

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

/* order.c. NULL, or what cannot be understood. Takes the text apart in place. */
const char *take_order(struct order *order, char *text, size_t size);

/* conditions.c: vm.overcommit_* as it was found. */
struct policy {
	char memory[32], ratio[32], kbytes[32];
	bool on;
};
bool make_groups(const struct order *order);
void remove_groups(const struct order *order);
bool enter_mode(const struct order *order, struct policy *policy);
void leave_mode(struct policy *policy);

/* Since when the OOM killer is watched. */
struct kills {
	long counted; /* -1 where the kernel does not count */
	int log;      /* -1 where it does, or where the log may not be read */
};
struct kills watch_kills(void);
bool was_kill(struct kills *since); /* ends the watch */

#endif
