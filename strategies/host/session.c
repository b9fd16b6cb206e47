/* One worker, from the request to the exit: ready -> go -> done -> exit. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void hold_open_files(const struct request *request)
{
	int flags = O_RDONLY | (request->inheritable && !request->hygiene->opens_cloexec ? 0 : O_CLOEXEC);
	size_t count = request->open_files;

	for (size_t i = 0; i < count; i++)
		if (open("/dev/null", flags) < 0)
			refuse("unsupported", errno, "%zu of %zu files could be opened: %s", i, count, strerror(errno));
}

static void check_support(const struct request *request)
{
	const char *reason = NULL;

	if (request->strategy->supported)
		reason = request->strategy->supported();
	if (!reason && request->reaper && request->reaper->supported)
		reason = request->reaper->supported();
	if (!reason && request->backing->supported)
		reason = request->backing->supported();
	if (!reason)
		reason = hygiene_supported(request->hygiene, request->strategy);
	if (!reason)
		reason = flights_supported(request);
	if (!reason)
		reason = writes_supported(request);
	if (reason)
		refuse("unsupported", 0, "%s", reason);
}

/* Before the footprint exists: a helper is forked here. */
static void prepare(const struct request *request, const struct session *session)
{
	const char *reason = NULL;

	if (request->strategy->prepare)
		reason = request->strategy->prepare(session);
	if (!reason && request->reaper && request->reaper->prepare)
		reason = request->reaper->prepare(session);
	if (!reason)
		reason = hygiene_prepare(request->hygiene, request->strategy, session);
	if (reason)
		refuse("unsupported", errno, "%s: %s", reason, strerror(errno));
}

/* The footprint exists: what a program would do to it, or only now. */
static void grown(const struct request *request, struct session *session, const struct footprint *footprint)
{
	session->footprint = footprint->start;
	session->footprint_size = footprint->size;
	const char *reason = request->strategy->grown ? request->strategy->grown(session) : NULL;

	if (reason)
		refuse("unsupported", errno, "%s: %s", reason, strerror(errno));
}

/* The channel comes as standard input. It is the worker's alone, so commands get an empty input in its place. */
static bool take_control(void)
{
	/* In this order: whatever else had that number, such as a file opened just now, is closed by dup3(). */
	if (dup3(0, CONTROL_DESCRIPTOR, O_CLOEXEC) < 0)
		return false;
	int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (empty < 0 || dup2(empty, 0) < 0)
		return false;
	close(empty);
	return true;
}

int work(void)
{
	struct request request;
	struct footprint footprint;

	if (!take_control())
		return 70;
	read_request(&request);
	check_support(&request);
	share_outcomes(request.in_flight);
	struct sample *samples = map_samples(request.samples, request.planned);
	struct session session = {
		.commands = request.commands,
		.command_count = request.command_count,
		.in_flight = request.in_flight,
	};
	prepare(&request, &session);
	hold_open_files(&request); /* after a helper was forked, as the program that grows would */
	int64_t mapping = now();
	if (!map_footprint(&request, &footprint))
		refuse("not_allocatable", errno, "%s", strerror(errno));
	grown(&request, &session, &footprint);
	flights_prepare(&request);
	pacer_meet(request.pacer);
	writes_prepare(&request, &footprint);
	say("{\"state\":\"ready\",\"mapped\":%llu,\"rss\":%llu,\"anon_huge\":%llu,\"page_tables\":%llu,\"vmas\":%llu,"
	    "\"fill_ns\":%lld,\"footprint_ns\":%lld}",
	    (unsigned long long)footprint.mapped, (unsigned long long)footprint.rss,
	    (unsigned long long)footprint.anon_huge, (unsigned long long)footprint.page_tables,
	    (unsigned long long)footprint.vmas, (long long)footprint.fill, (long long)(now() - mapping));

	if (!read_word("go"))
		return 0;
	bystanders_start(request.bystanders);
	int64_t begun = now(), stall, control;
	size_t made = flights_make(samples);
	int64_t ended = now();
	bystanders_end(ended - begun, &stall, &control);
	say("{\"state\":\"done\",\"began\":%lld,\"ended\":%lld,\"launches\":%zu,\"zombies_peak\":%zu,"
	    "\"bystander_max_ns\":%lld,\"bystander_control_max_ns\":%lld}",
	    (long long)begun, (long long)ended, made, flights_most_zombies(), (long long)stall, (long long)control);

	if (!read_word("exit"))
		return 0;
	if (request.strategy->finish)
		request.strategy->finish();
	if (request.reaper && request.reaper->finish)
		request.reaper->finish();
	return 0;
}
