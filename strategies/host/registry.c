/*
 * The registry: the linker gathers every registration into one section per kind and defines where it starts and stops
 * (ld: "__start_SECNAME and __stop_SECNAME"), so a new strategy is a new file and nothing else.
 */
#include "hazard.h"
#include "internal.h"

#include <stdio.h>
#include <string.h>

extern const struct strategy *const __start_launchbench_strategy[], *const __stop_launchbench_strategy[];
extern const struct reaper *const __start_launchbench_reaper[], *const __stop_launchbench_reaper[];
extern const struct hygiene *const __start_launchbench_hygiene[], *const __stop_launchbench_hygiene[];
extern const struct hazard *const __start_launchbench_hazard[], *const __stop_launchbench_hazard[];

#define EACH(type, entry)                                                                                             \
	const struct type *const *entry = __start_launchbench_##type;                                                 \
	entry < __stop_launchbench_##type;                                                                            \
	entry++

const struct strategy *find_strategy(const char *name)
{
	for (EACH(strategy, entry))
		if (strcmp((*entry)->name, name) == 0)
			return *entry;
	return NULL;
}

const struct reaper *find_reaper(const char *name)
{
	for (EACH(reaper, entry))
		if (strcmp((*entry)->name, name) == 0)
			return *entry;
	return NULL;
}

const struct hygiene *find_hygiene(const char *name)
{
	for (EACH(hygiene, entry))
		if (strcmp((*entry)->name, name) == 0)
			return *entry;
	return NULL;
}

const struct hazard *find_hazard(const char *name)
{
	for (EACH(hazard, entry))
		if (strcmp((*entry)->name, name) == 0)
			return *entry;
	return NULL;
}

static void list_one(const char *kind, const char *name, const char *summary, const char *(*supported)(void))
{
	char buffer[512];
	const char *reason = supported ? supported() : NULL;

	printf("{\"kind\":\"%s\",\"name\":%s,", kind, quoted(name, buffer, sizeof buffer));
	printf("\"summary\":%s,", quoted(summary, buffer, sizeof buffer));
	printf("\"reason\":%s", reason ? quoted(reason, buffer, sizeof buffer) : "null");
}

static const char *const claims[] = {"null", "\"copied\"", "\"shared\""};

static void list_promises(unsigned promises)
{
	static const char *const names[] = {"descriptors", "blocked", "ignored"}; /* enum inheritance_promises, bit by bit */
	const char *separator = "";

	printf(",\"promises\":[");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (promises & (1U << i)) {
			printf("%s\"%s\"", separator, names[i]);
			separator = ",";
		}
	printf("]}\n");
}

/* One JSON object a line, for bench.catalogue. */
void list_registered(void)
{
	for (EACH(strategy, entry)) {
		const struct strategy *s = *entry;

		list_one("strategy", s->name, s->summary, s->supported);
		printf(",\"own_reaper\":%s,\"launches_nothing\":%s,\"status_form\":\"%s\",\"memory\":%s}\n",
		       s->traits & OWN_REAPER ? "true" : "false", s->traits & LAUNCHES_NOTHING ? "true" : "false",
		       s->status_form == STATUS_SHELL ? "shell" : "wait", claims[s->memory]);
	}
	for (const struct backing *backing = next_backing(NULL); backing; backing = next_backing(backing)) {
		list_one("backing", backing->name, backing->summary, backing->supported);
		printf(",\"takes_memory\":%s}\n", backing->touched && !backing->hugetlb ? "true" : "false");
	}
	for (EACH(reaper, entry)) {
		list_one("reaper", (*entry)->name, (*entry)->summary, (*entry)->supported);
		printf(",\"loses_statuses\":%s}\n", (*entry)->traits & LOSES_STATUSES ? "true" : "false");
	}
	for (EACH(hygiene, entry)) {
		list_one("hygiene", (*entry)->name, (*entry)->summary, (*entry)->supported);
		list_promises((*entry)->promises);
	}
	for (EACH(hazard, entry)) {
		char buffer[512];
		const char *separator = "";

		list_one("hazard", (*entry)->name, (*entry)->summary, (*entry)->supported);
		printf(",\"source\":%s,\"mitigations\":[", quoted((*entry)->source, buffer, sizeof buffer));
		for (const char *const *name = (*entry)->mitigations; name && *name; name++, separator = ",")
			printf("%s%s", separator, quoted(*name, buffer, sizeof buffer));
		printf("],\"needs_group\":%s}\n", (*entry)->needs_group ? "true" : "false");
	}
}
