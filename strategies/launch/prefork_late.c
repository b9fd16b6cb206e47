/* The same helper, forked when the program has grown already: what it costs to be too late. */
#include "../host/packet_helper.h"

static const char *grown(const struct session *session)
{
	(void)session;
	return packet_helper_start(PARENT_IS_HELPER);
}

LAUNCHBENCH_STRATEGY(
	.name = "prefork_late",
	.summary = "the helper of prefork_seqpacket, forked after the footprint is there: it shares all of it",
	.traits = OWN_REAPER | KEEPS_MANY,
	.claims = BEHIND_A_HELPER,
	.memory = MEMORY_SHARED,
	.grown = grown,
	.launch = packet_helper_launch,
	.reap = packet_helper_reap,
	.settled = packet_helper_settled,
	.finish = packet_helper_finish,
);
