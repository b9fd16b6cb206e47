/* What the supervisor of hazards and the processes that make their trials share; no hazard includes this. */
#ifndef LAUNCHBENCH_TRIAL_H
#define LAUNCHBENCH_TRIAL_H

#include "hazard.h"
#include "internal.h"

#include <sys/syscall.h>

#define TEXT_SIZE 400

enum trial_end { TRIAL_UNSAID = 0, TRIAL_HIT, TRIAL_MISSED, TRIAL_NOT_MADE, TRIAL_FAILED };

/* In memory that all processes of a trial share with its supervisor. */
struct trial_report {
	volatile enum trial_end end;
	volatile pid_t at_risk; /* a child that may wait for ever */
	char text[TEXT_SIZE];
	struct trial_shared shared;
};

/* The first thing in a trial's process. */
void trial_begin(const struct trial *trial, const struct hygiene *hygiene, struct trial_report *report);

/* Removes every file in a folder, not the folder. */
void empty_folder(const char *path);

#endif
