/* What goes over the socket between the caller (packet_helper.c) and the helper (packet_serve.c). */
#ifndef LAUNCHBENCH_PACKET_H
#define LAUNCHBENCH_PACKET_H

#include "packet_helper.h"
#include "statuses.h"

#include <sys/socket.h>

/* A packet must fit in a socket buffer (wmem_default, about 200 KiB); longer requests travel in a memfd. */
#define LARGEST_PACKET ((size_t)64 << 10)
#define MOST_CHILDREN MOST_STATUSES /* as many as may be in flight: no two answers that are kept have one place */

struct head {
	uint32_t id;
	uint32_t argc, envc;
	uint32_t size;    /* bytes of text: file, arguments, environment, each ended by NUL */
	uint32_t in_file; /* the text is in a file that comes as a fourth descriptor */
};

struct reply {
	uint32_t id;
	int32_t pid;
	int32_t stage, error;
	int32_t status;
};

union descriptors {
	char bytes[CMSG_SPACE(4 * sizeof(int))];
	struct cmsghdr align;
};

/* The helper: answers once when it serves, and then each request, until the caller has closed its end. */
_Noreturn void packet_serve(int socket, enum packet_parent parent);

#endif
