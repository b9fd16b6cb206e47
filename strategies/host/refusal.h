/* Hazards of a limit or a filter: the launch is refused, and the caller must be told with what errno (refusal.c). */
#ifndef LAUNCHBENCH_REFUSAL_H
#define LAUNCHBENCH_REFUSAL_H

#include "hazard.h"

/* Launches the probe, and ends the trial: a hit when the launch was refused with this errno before any process was there,
 * missed when it worked. Everything else, and anything left open or behind, no oracle foresees. */
void launch_refused(const struct trial *trial, int error) __attribute__((noreturn));

/* Makes calls fail with an errno, for all threads of this process and all that it starts (seccomp(2)). */
void refuse_new_processes(int error);
void refuse_clone3(int error);

#endif
