/* A helper that takes whole requests over a SOCK_SEQPACKET pair (packet_helper.c). */
#ifndef LAUNCHBENCH_PACKET_HELPER_H
#define LAUNCHBENCH_PACKET_HELPER_H

#include "host.h"

/* Whose children the commands are. */
enum packet_parent {
	PARENT_IS_HELPER, /* made with vfork(); the helper waits for them and sends their status */
	PARENT_IS_CALLER, /* made with clone(CLONE_PARENT); the caller waits for them itself */
};

/* Forks the helper. NULL, or what failed. */
const char *packet_helper_start(enum packet_parent parent);

/* Sends the request. The caller may go on. */
void packet_helper_launch(struct launch *launch);

/* With PARENT_IS_HELPER: waits for the status. */
bool packet_helper_settled(void);
void packet_helper_reap(struct launch *launch);

/* With PARENT_IS_CALLER: waits until the command was started, and learns its pid. */
void packet_helper_learn(struct launch *launch);

void packet_helper_finish(void);

#endif
