/* A program whose execution does not begin before it is allowed to (slow_file.c). */
#ifndef LAUNCHBENCH_SLOW_FILE_H
#define LAUNCHBENCH_SLOW_FILE_H

#include "hazard.h"

/* Makes the program: a copy of `probe`. Before anything that could look at it is started. */
void slow_file_make(const struct trial *trial);
struct command slow_file_command(void);
bool slow_file_wanted(void);  /* an exec stands still in it */
void slow_file_allow(void);

/* A copy of a program of the worker's own, at `path`; the descriptor that it was written through is left open. */
int copy_program(const char *name, const char *path);

#endif
