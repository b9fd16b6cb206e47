/* A helper forked beforehand whose children are the caller's: clone(CLONE_PARENT), so the caller waits for them itself. */
#include "../host/packet_helper.h"

static const char *prepare(const struct session *session)
{
	(void)session;
	return packet_helper_start(PARENT_IS_CALLER);
}

static void launch(struct launch *launch)
{
	packet_helper_launch(launch);
	packet_helper_learn(launch);
}

LAUNCHBENCH_STRATEGY(
	.name = "prefork_clone_parent",
	.summary = "a helper forked beforehand launches with CLONE_PARENT: the command is the caller's own child",
	.traits = KEEPS_A_HELPER,
	.claims = BEHIND_A_HELPER | SUSPENDS,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = launch,
	.finish = packet_helper_finish,
);
