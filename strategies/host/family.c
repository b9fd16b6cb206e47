/* Reads who descends from a process. Each thread has its own list of children (proc_pid_children(5)). */
#include "family.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count {
	struct member *out;
	size_t most;
	int found;
};

static bool add_family(pid_t pid, struct count *count);

/* "123 (a name) S ..."; false: it has gone. */
static bool read_member(pid_t pid, struct member *out)
{
	char path[64], text[256];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return false;
	size_t length = fread(text, 1, sizeof text - 1, stat);
	fclose(stat);
	text[length] = '\0';
	const char *name = strchr(text, '('), *end = strrchr(text, ')');
	if (!name || !end || end[1] != ' ')
		return false;
	*out = (struct member){.pid = pid, .state = end[2]};
	snprintf(out->name, sizeof out->name, "%.*s", (int)(end - name - 1), name + 1);
	return true;
}

static bool add_children(pid_t pid, const char *thread, struct count *count)
{
	char path[64];
	struct member child;
	int number;

	snprintf(path, sizeof path, "/proc/%d/task/%.10s/children", (int)pid, thread);
	FILE *children = fopen(path, "re");
	if (!children)
		return false;
	while (fscanf(children, "%d", &number) == 1) {
		if (!read_member(number, &child))
			continue;
		if ((size_t)count->found < count->most)
			count->out[count->found] = child;
		count->found++;
		add_family(number, count);
	}
	fclose(children);
	return true;
}

static bool add_family(pid_t pid, struct count *count)
{
	char path[64];
	const struct dirent *thread;
	bool told = false;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *threads = opendir(path);
	while (threads && (thread = readdir(threads)) != NULL)
		if (thread->d_name[0] != '.')
			told |= add_children(pid, thread->d_name, count);
	if (threads)
		closedir(threads);
	return told;
}

int family_of(pid_t pid, struct member *out, size_t most)
{
	struct count count = {out, most, 0};

	return add_family(pid, &count) ? count.found : -1;
}
