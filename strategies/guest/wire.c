/* Frames to and from the runner; guest.h has the format. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define MAGIC "LBF1"
#define HEAD 16
#define LONGEST_FRAME ((size_t)64 << 20)

static int channel = -1;

/* The runner is gone, or speaks another language: nobody is left to work for. */
static _Noreturn void hang_up(const char *why)
{
	fprintf(stderr, "agent: %s\n", why);
	power_off();
}

/* Raw, for a terminal would echo, translate and interpret what passes. */
bool open_channel(const char *device)
{
	struct termios raw;

	channel = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (channel < 0 || tcgetattr(channel, &raw) != 0)
		return false;
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL | CREAD;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	cfsetspeed(&raw, B115200); /* what is emulated knows no speed; the kernel wants one */
	return tcsetattr(channel, TCSANOW, &raw) == 0;
}

/* CRC-32 as in zlib and IEEE 802.3: reflected, polynomial 0xEDB88320. */
static uint32_t checksum(const unsigned char *data, size_t size)
{
	static uint32_t table[256];
	uint32_t crc = ~0U;

	for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
		uint32_t entry = i;

		for (int bit = 0; bit < 8; bit++)
			entry = entry & 1 ? entry >> 1 ^ 0xEDB88320U : entry >> 1;
		table[i] = entry;
	}
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xFF];
	return ~crc;
}

static void put(const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(channel, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			hang_up("the channel cannot be written");
		at += n;
		size -= (size_t)n;
	}
}

static void get(void *data, size_t size)
{
	char *at = data;

	while (size > 0) {
		ssize_t n = read(channel, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			hang_up("the runner has gone");
		at += n;
		size -= (size_t)n;
	}
}

static void put_number(unsigned char *at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(number >> 8 * i);
}

static uint32_t number_at(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void send_frame(const char *kind, const void *payload, size_t size)
{
	unsigned char head[HEAD];

	memcpy(head, MAGIC, 4);
	memcpy(head + 4, kind, 4);
	put_number(head + 8, (uint32_t)size);
	put_number(head + 12, checksum(payload, size));
	put(head, sizeof head);
	put(payload, size);
}

void send_text(const char *kind, const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof text)
		hang_up("a message is too long");
	send_frame(kind, text, (size_t)length);
}

/* Reads to the end: files of /proc have no size. At most the last `tail` bytes, if not 0. NULL when it cannot be read. */
static char *contents(const char *path, size_t head, size_t tail, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (tail && fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size > tail)
		lseek(fd, -(off_t)tail, SEEK_END);
	size_t room = 4096;
	char *text = fd < 0 ? NULL : malloc(head + room);
	ssize_t n = 0;

	*size = 0;
	while (text && (n = read(fd, text + head + *size, room - *size)) > 0) {
		*size += (size_t)n;
		if (*size == room) {
			char *larger = realloc(text, head + (room *= 2));

			if (!larger)
				free(text);
			text = larger;
		}
	}
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* As `file`: under a name, when it can be read. */
void send_tail(const char *path, const char *name, size_t tail)
{
	size_t head = strlen(name) + 1, size;
	char *frame = contents(path, head, tail, &size);

	if (!frame)
		return;
	memcpy(frame, name, head);
	send_frame("file", frame, head + size);
	free(frame);
}

void send_file(const char *path, const char *name)
{
	send_tail(path, name, 0);
}

/* Returns when everything that was sent has left: nothing of it is to be sent while a worker launches. */
void channel_drained(void)
{
	while (tcdrain(channel) != 0 && errno == EINTR)
		;
}

char *receive_frame(char kind[5], size_t *size)
{
	unsigned char head[HEAD];

	do /* the runner may nudge an interrupt that was lost with NULs, between frames */
		get(head, 1);
	while (head[0] == '\0');
	get(head + 1, sizeof head - 1);
	if (memcmp(head, MAGIC, 4) != 0)
		hang_up("what came is no frame");
	memcpy(kind, head + 4, 4);
	kind[4] = '\0';
	*size = number_at(head + 8);
	if (*size > LONGEST_FRAME)
		hang_up("a frame is too long");
	char *payload = malloc(*size + 1);
	if (payload) {
		get(payload, *size);
		payload[*size] = '\0';
		if (checksum((unsigned char *)payload, *size) == number_at(head + 12))
			return payload;
	}
	hang_up("a frame came damaged, or does not fit in memory");
}
