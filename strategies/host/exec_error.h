/* Hazards of a command that cannot be executed: the caller must be told at the promised stage, and why (exec_error.c). */
#ifndef LAUNCHBENCH_EXEC_ERROR_H
#define LAUNCHBENCH_EXEC_ERROR_H

#include "hazard.h"

/* Launches what execve() refuses with this errno (ENOENT, EACCES, E2BIG or ENOEXEC), and ends the trial: missed when the
 * caller is told just that at the exec, or by a shell's 126 or 127 where the strategy promises no more; a hit when he is told
 * something else of the exec; failed when it did not come to that. */
void exec_error_trial(struct trial *trial, int error) __attribute__((noreturn));

/* Longer than execve() takes, to be freed; NULL without memory. */
char *exec_error_long_argument(void);

#endif
