/* A helper forked before the footprint exists; whole requests over a socket, vfork() inside, the wait status back. */
#include "../host/packet_helper.h"

static const char *prepare(const struct session *session)
{
	(void)session;
	return packet_helper_start(PARENT_IS_HELPER);
}

LAUNCHBENCH_STRATEGY(
	.name = "prefork_seqpacket",
	.summary = "a helper forked beforehand takes whole requests with descriptors; vfork inside, wait status back",
	.traits = OWN_REAPER | KEEPS_MANY,
	.claims = BEHIND_A_HELPER,
	.memory = MEMORY_SHARED,
	.prepare = prepare,
	.launch = packet_helper_launch,
	.reap = packet_helper_reap,
	.settled = packet_helper_settled,
	.finish = packet_helper_finish,
);
