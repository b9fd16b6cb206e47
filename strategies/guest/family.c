/*
 * The census, counted from outside the worker: what it holds and what it leaves. One pass over /proc tells the whole
 * family; a guest has a hundred processes, kernel threads included.
 */
#include "guest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* As in bench/measure/census.py: a helper that is told to end by its parent's death may need a moment. */
#define GRACE (100 * MILLISECOND)
#define STEP (2 * MILLISECOND)
#define LAST_GRACE (2000 * MILLISECOND)

struct process {
	pid_t pid, parent;
	int threads;
	char state;
	bool kin;
	char name[64];
};

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = STEP}, NULL);
}

/* proc_pid_stat(5): the name stands in parentheses and may hold any character. */
static bool read_process(pid_t pid, struct process *out)
{
	char path[64], text[1024];

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return false;
	size_t size = fread(text, 1, sizeof text - 1, stat);
	fclose(stat);
	text[size] = '\0';
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close)
		return false;
	*out = (struct process){.pid = pid};
	if (sscanf(close + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &out->state,
		   &out->parent, &out->threads) != 3)
		return false;
	snprintf(out->name, sizeof out->name, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

/* Every process there is; the caller frees the list. */
static struct process *all_processes(size_t *count)
{
	struct process *list = NULL;
	size_t room = 0;
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	*count = 0;
	while (folder && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (*count == room) {
			struct process *larger = realloc(list, (room = room ? 2 * room : 256) * sizeof *list);

			if (!larger)
				break;
			list = larger;
		}
		if (read_process((pid_t)atol(entry->d_name), &list[*count]))
			++*count;
	}
	if (folder)
		closedir(folder);
	return list;
}

/* Marks the descendants of one process: again until none is added, for a parent may stand behind its child. */
static void mark_descendants(struct process *list, size_t count, pid_t ancestor)
{
	bool added = true;

	while (added) {
		added = false;
		for (size_t i = 0; i < count; i++) {
			bool kin = list[i].parent == ancestor;

			for (size_t j = 0; !kin && j < count; j++)
				kin = list[j].kin && list[j].pid == list[i].parent;
			added |= kin && !list[i].kin;
			list[i].kin |= kin;
		}
	}
}

/* -1 when the process has gone. */
static int open_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	struct dirent *entry;
	if (!folder)
		return -1;
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static bool was_helper(const struct count *ready, pid_t pid)
{
	for (int i = 0; i < ready->helper_count; i++)
		if (ready->helpers[i] == pid)
			return true;
	return false;
}

/* A worker and its descendants, with the helpers of an earlier count; false when it has gone. */
bool count_family(pid_t worker, const struct count *ready, struct count *out)
{
	struct process self;
	size_t count;
	int held = open_descriptors(worker);

	if (held < 0 || !read_process(worker, &self) || self.state == 'Z')
		return false;
	*out = (struct count){.descriptors = held, .threads = self.threads};
	struct process *list = all_processes(&count);
	mark_descendants(list, count, worker);
	for (size_t i = 0; i < count; i++) {
		const struct process *member = &list[i];

		if (!member->kin)
			continue;
		if (member->state == 'Z') {
			out->zombies++;
			continue;
		}
		out->children++;
		if (!ready && out->helper_count < MOST_HELPERS)
			out->helpers[out->helper_count++] = member->pid;
		if ((!ready || was_helper(ready, member->pid)) && (held = open_descriptors(member->pid)) >= 0) {
			out->descriptors += held;
			out->threads += member->threads;
		}
	}
	free(list);
	if (ready) {
		memcpy(out->helpers, ready->helpers, sizeof out->helpers);
		out->helper_count = ready->helper_count;
	}
	return true;
}

/* Of a worker that has nothing to do any more: once more a little later when it holds more than at first. */
bool count_idle(pid_t worker, const struct count *ready, struct count *out)
{
	int64_t until = now() + GRACE;

	while (count_family(worker, ready, out)) {
		if (now() >= until || (out->descriptors <= ready->descriptors && out->children <= ready->children &&
				       out->threads <= ready->threads))
			return true;
		nap();
	}
	return false;
}

/* The dead are buried; false when nobody is left, which one call tells without a look at /proc. */
static bool bury(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !(pid < 0 && errno == ECHILD);
}

static void tell_stray(const struct process *stray)
{
	char name[2 * sizeof stray->name];
	size_t used = 0;

	for (const char *c = stray->name; *c; c++) {
		if (*c == '"' || *c == '\\')
			name[used++] = '\\';
		name[used++] = *c >= 0x20 && *c < 0x7f ? *c : '?';
	}
	name[used] = '\0';
	send_text("left", "{\"pid\":%d,\"name\":\"%s\",\"state\":\"%c\"}", stray->pid, name, stray->state);
}

static void with_each_stray(void (*act)(const struct process *))
{
	size_t count;
	struct process *list = all_processes(&count);

	mark_descendants(list, count, getpid());
	for (size_t i = 0; i < count; i++)
		if (list[i].kin && list[i].state != 'Z')
			act(&list[i]);
	free(list);
}

static void kill_stray(const struct process *stray)
{
	kill(stray->pid, SIGKILL);
}

/* Everything that this process started, or that fell to it, is ended and buried. */
void end_family(void)
{
	int64_t until = now() + LAST_GRACE;

	while (bury() && now() < until) {
		with_each_stray(kill_stray);
		nap();
	}
}

/* What outlived the worker, which was this process's only child, is told and ended. */
void end_strays(void)
{
	int64_t until = now() + GRACE;

	while (bury() && now() < until)
		nap();
	if (!bury())
		return;
	with_each_stray(tell_stray);
	end_family();
}
