/* What this system's /bin/sh passes on to its commands: shells differ, and no standard says (shell_signals.c). */
#ifndef LAUNCHBENCH_SHELL_SIGNALS_H
#define LAUNCHBENCH_SHELL_SIGNALS_H

#include "hazard.h"

enum signal_state { SIGTERM_BLOCKED, SIGCHLD_IGNORED };

/* The oracle of a strategy whose command would have it from its caller, was there no shell in between. */
struct oracle oracle_behind_shell(enum signal_state state);

#endif
