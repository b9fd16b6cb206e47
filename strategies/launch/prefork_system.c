/* A helper forked before the footprint exists; one byte each way, system() inside. */
#include "../host/byte_helper.h"

#include <stdlib.h>

static int run(const struct command *command)
{
	int status = system(command->line);

	return status == -1 ? BYTE_HELPER_FAILED : host_status_byte(status);
}

static const char *prepare(const struct session *session)
{
	return byte_helper_start(session, run);
}

LAUNCHBENCH_STRATEGY(
	.name = "prefork_system",
	.summary = "a helper forked beforehand, one byte each way over pipes; system() inside",
	.traits = OWN_REAPER,
	.claims = BEHIND_A_HELPER | ANOTHER_FIRST,
	.status_form = STATUS_SHELL,
	.supported = host_shell_supported,
	.prepare = prepare,
	.launch = byte_helper_launch,
	.reap = byte_helper_reap,
	.settled = byte_helper_settled,
	.finish = byte_helper_finish,
);
