/* Carries out the hygiene of this worker where it belongs: around the launch, on the child's side, or by posix_spawn(). */
#include "internal.h"

#include <errno.h>

static const struct hygiene *in_use;
static posix_spawn_file_actions_t actions;
static posix_spawnattr_t attributes;
static bool asks_spawn;

/* A hygiene that works between launch and exec needs a strategy that has a place for it. */
static bool has_a_place(const struct hygiene *hygiene, const struct strategy *strategy)
{
	if (!hygiene->child && !hygiene->before)
		return true;
	return (strategy->traits & RUNS_CHILD_SIDE) || (hygiene->spawn && (strategy->traits & RUNS_SPAWN_SIDE));
}

const char *hygiene_supported(const struct hygiene *hygiene, const struct strategy *strategy)
{
	if (!has_a_place(hygiene, strategy))
		return strategy->traits & RUNS_SPAWN_SIDE ? "posix_spawn() cannot be asked for this hygiene"
							  : "this strategy has no place between launch and exec for a hygiene";
	return hygiene->supported ? hygiene->supported() : NULL;
}

const char *hygiene_prepare(const struct hygiene *hygiene, const struct strategy *strategy, const struct session *session)
{
	const char *reason = hygiene->prepare ? hygiene->prepare(session) : NULL;

	if (reason)
		return reason;
	in_use = hygiene;
	if (!hygiene->spawn || !(strategy->traits & RUNS_SPAWN_SIDE))
		return NULL;
	errno = posix_spawn_file_actions_init(&actions);
	if (errno == 0)
		errno = posix_spawnattr_init(&attributes);
	if (errno == 0)
		errno = hygiene->spawn(&actions, &attributes);
	asks_spawn = errno == 0;
	return asks_spawn ? NULL : "what posix_spawn() is to do";
}

void host_before_launch(void)
{
	if (in_use && in_use->before)
		in_use->before();
}

void host_after_launch(void)
{
	if (in_use && in_use->after)
		in_use->after();
}

void host_child_side(void)
{
	hold_child();
	if (in_use && in_use->child)
		in_use->child();
}

const posix_spawn_file_actions_t *host_file_actions(void)
{
	return asks_spawn ? &actions : NULL;
}

const posix_spawnattr_t *host_attributes(void)
{
	return asks_spawn ? &attributes : NULL;
}
