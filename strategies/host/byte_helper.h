/* A helper forked before the footprint that is told to run a command by one byte (byte_helper.c). */
#ifndef LAUNCHBENCH_BYTE_HELPER_H
#define LAUNCHBENCH_BYTE_HELPER_H

#include "host.h"

#define BYTE_HELPER_FAILED 125

/* `run` starts one command in the helper, waits for it and returns its status as one byte. NULL, or what failed. */
const char *byte_helper_start(const struct session *session, int (*run)(const struct command *));
void byte_helper_launch(struct launch *launch);
bool byte_helper_settled(void);
void byte_helper_reap(struct launch *launch);
void byte_helper_finish(void);

#endif
