/* Messages to the runner: one JSON object a line on the control channel. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void send_line(const char *line, size_t length)
{
	while (length > 0) {
		ssize_t n = write(CONTROL_DESCRIPTOR, line, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(70); /* the runner is gone: nobody is left to work for */
		line += n;
		length -= (size_t)n;
	}
}

void say(const char *format, ...)
{
	char line[4096];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line - 1, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof line - 1)
		_exit(70);
	line[length++] = '\n';
	send_line(line, (size_t)length);
}

/* As a JSON string; longer text is cut, other than printable ASCII becomes `?`: reasons are ours, not the user's. */
const char *quoted(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[used++] = '"';
	for (; *text && used + 4 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buffer[used++] = '\\';
		buffer[used++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	buffer[used++] = '"';
	buffer[used] = '\0';
	return buffer;
}

/* Says why this worker cannot do what it was asked (`not_allocatable`, `unsupported`, `failed`), and ends it. */
void refuse(const char *kind, int error, const char *format, ...)
{
	char reason[512], escaped[1100];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	say("{\"state\":\"%s\",\"errno\":%d,\"reason\":%s}", kind, error, quoted(reason, escaped, sizeof escaped));
	_exit(0);
}
