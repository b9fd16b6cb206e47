/* The agent's loop: one request of the runner after the other; guest.h has the conversation. */
#include "guest.h"

#include "../host/internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROTOCOL_VERSION 1

static void send_folder(const char *path)
{
	char file[PATH_MAX];
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_REG || snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file)
			continue;
		send_file(file, file);
	}
	if (folder)
		closedir(folder);
}

static void answer_read(const char *paths, size_t size)
{
	struct stat status;

	for (const char *path = paths; path < paths + size; path += strlen(path) + 1) {
		if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
			send_folder(path);
		else
			send_file(path, path);
	}
	send_text("over", "{}");
}

/*
 * The agent shares the CPU with nobody: whom it wakes begins as if alone. Among processes that share it, one that goes to
 * sleep with more than its part is kept in the account until that is made up for, which takes 8 ms on Linux 7.3
 * (kernel/sched/fair.c, DELAY_DEQUEUE): so long it decided which went on when one of a worker's processes woke the
 * other. What the agent starts shares again.
 */
static void stand_apart(void)
{
	const struct sched_param lowest = {.sched_priority = 1};

	/* By number: musl has no more than a refusal. */
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) != 0)
		fprintf(stderr, "agent: no policy of its own: %s\n", strerror(errno));
}

int agent(const char *device, const char *folder)
{
	bool first = getpid() == 1;
	char kind[5];
	size_t size;

	if (first)
		become_init();
	else if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) /* process 1 adopts orphans anyway */
		return 70;
	signal(SIGPIPE, SIG_IGN);
	stand_apart();
	if (!open_channel(device) || (mkdir(folder, 0700) != 0 && errno != EEXIST)) {
		fprintf(stderr, "agent: %s, %s: %s\n", device, folder, strerror(errno));
		power_off();
	}
	send_text("helo", "{\"version\":%d,\"first\":%s}", PROTOCOL_VERSION, first ? "true" : "false");
	for (;;) {
		char *payload = receive_frame(kind, &size);

		if (strcmp(kind, "read") == 0)
			answer_read(payload, size);
		else if (strcmp(kind, "work") == 0)
			attend(payload, size, folder);
		else
			power_off(); /* `stop`, or what an agent of this version does not know */
		free(payload);
	}
}
