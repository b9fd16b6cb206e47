/*
 * What the runner says, on the control channel:
 *
 *     request LENGTH\n   and LENGTH bytes: words of the form key=value, each ended by NUL
 *     go\n               launch
 *     exit\n             tear down and end
 *
 * `env=NAME=VALUE` may come often and becomes the environment of this process and of every command. `command=LINE` begins a command (LINE is what
 * a shell would be given), and the `arg=` words after it are its arguments. `plan=0,0,1` names the command of each launch.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_REQUEST ((size_t)64 << 20)

/* Reads exactly size bytes; false when the runner has gone. */
static bool read_exactly(char *buffer, size_t size)
{
	while (size > 0) {
		ssize_t n = read(CONTROL_DESCRIPTOR, buffer, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buffer += n;
		size -= (size_t)n;
	}
	return true;
}

/* False when the runner has gone. A line that is too long is cut, and then no word that is known. */
static bool read_line(char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!read_exactly(line + i, 1))
			return false;
		if (line[i] == '\n' || i == size - 1) {
			line[i] = '\0';
			return true;
		}
	}
	return false;
}

/* Waits for one word of the runner; false when something else, or the end of the channel, comes. */
bool read_word(const char *word)
{
	char line[64];

	return read_line(line, sizeof line) && strcmp(line, word) == 0;
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		refuse("failed", ENOMEM, "the request does not fit in memory");
	return memory;
}

static size_t number(const char *key, const char *value)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0')
		refuse("failed", EINVAL, "%s=%.40s is not a number", key, value);
	return (size_t)n;
}

static void read_plan(struct request *request, const char *value)
{
	size_t count = *value != '\0';
	char *end;

	for (const char *p = value; *p; p++)
		count += *p == ',';
	request->plan = allocate(count + 1, sizeof *request->plan);
	request->planned = 0;
	for (const char *p = value; *p; p = *end == ',' ? end + 1 : end) {
		unsigned long index = strtoul(p, &end, 10);

		/* Nothing but commas in between: they are what the room was counted by. */
		if (end == p || (*end != ',' && *end != '\0') || index > UINT32_MAX)
			refuse("failed", EINVAL, "the plan is malformed");
		request->plan[request->planned++] = (uint32_t)index;
	}
}

static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

#define LOOK_UP(kind)                                                                                                  \
	if ((value = value_of(word, #kind))) {                                                                         \
		if (!(request->kind = find_##kind(value)))                                                             \
			refuse("unsupported", 0, "this worker has no " #kind " %.80s", value);                         \
		return;                                                                                                \
	}

static void take_setting(struct request *request, char *word)
{
	const char *value;

	LOOK_UP(strategy)
	LOOK_UP(reaper)
	LOOK_UP(hygiene)
	LOOK_UP(backing)
	if ((value = value_of(word, "vmas"))) {
		request->vmas = number("vmas", value);
		if (request->vmas == 0)
			refuse("failed", EINVAL, "a footprint in no pieces");
	} else if ((value = value_of(word, "footprint"))) {
		request->footprint = number("footprint", value);
	} else if ((value = value_of(word, "open_files"))) {
		request->open_files = number("open_files", value);
	} else if ((value = value_of(word, "inheritable"))) {
		request->inheritable = number("inheritable", value) != 0;
	} else if ((value = value_of(word, "in_flight"))) {
		request->in_flight = number("in_flight", value);
		if (request->in_flight == 0)
			refuse("failed", EINVAL, "no launch may be in flight");
	} else if ((value = value_of(word, "burst"))) {
		request->burst = number("burst", value) != 0;
	} else if ((value = value_of(word, "writes"))) {
		request->writes = number("writes", value);
	} else if ((value = value_of(word, "hold_child"))) {
		request->hold_child = number("hold_child", value) != 0;
	} else if ((value = value_of(word, "bystanders"))) {
		request->bystanders = number("bystanders", value);
	} else if ((value = value_of(word, "time_limit"))) {
		request->time_limit = (int64_t)number("time_limit", value);
	} else if ((value = value_of(word, "warmup"))) {
		request->warmup = number("warmup", value);
	} else if ((value = value_of(word, "samples"))) {
		request->samples = value;
	} else if ((value = value_of(word, "pacer"))) {
		request->pacer = value;
	} else if ((value = value_of(word, "fill_cpus"))) {
		request->fill_cpus = value;
	} else if ((value = value_of(word, "plan"))) {
		read_plan(request, value);
	} else {
		refuse("failed", EINVAL, "the request says %.80s", word);
	}
}

static const char *environment_value(char *const *envp, const char *name)
{
	for (; *envp; envp++) {
		const char *value = value_of(*envp, name);

		if (value)
			return value;
	}
	return NULL;
}

/* A program as execvp() would find it along PATH; NULL when it is not there. */
static const char *find_program(const char *name)
{
	const char *path = environment_value(environ, "PATH");

	if (strchr(name, '/'))
		return name;
	if (!path)
		return NULL;
	while (*path) {
		size_t length = strcspn(path, ":");
		char *file = allocate(length + strlen(name) + 2, 1);

		sprintf(file, "%.*s/%s", (int)length, path, name);
		if (access(file, X_OK) == 0)
			return file;
		free(file);
		path += length + (path[length] == ':');
	}
	return NULL;
}

/* One pass counts, a second one fills: `words` says how many of each there are. */
static void take_commands(struct request *request, char *text, size_t length, size_t words)
{
	char **environment = allocate(words + 1, sizeof *environment);
	char **arguments = allocate(2 * words + 2, sizeof *arguments); /* each list ends with NULL */
	struct command *command = NULL;
	size_t env_count = 0;
	const char *value;

	request->commands = allocate(words + 1, sizeof *request->commands);
	for (char *word = text; word < text + length; word += strlen(word) + 1) {
		if ((value = value_of(word, "env"))) {
			environment[env_count++] = word + 4;
		} else if ((value = value_of(word, "command"))) {
			arguments += command != NULL;
			command = &request->commands[request->command_count++];
			*command = (struct command){.line = value, .argv = arguments, .envp = environment};
		} else if ((value = value_of(word, "arg")) && command) {
			*arguments++ = word + 4;
		} else {
			take_setting(request, word);
		}
	}
	environ = environment; /* posix_spawnp() and a shell search along the caller's own PATH */
	for (size_t i = 0; i < request->command_count; i++) {
		command = &request->commands[i];
		if (!command->argv[0])
			refuse("failed", EINVAL, "command %zu has no arguments", i);
		/* What is not found stays as written, for the exec to fail on. */
		const char *found = find_program(command->argv[0]);
		command->file = found ? found : command->argv[0];
	}
}

void read_request(struct request *request)
{
	char line[64];
	size_t length, words = 0;

	if (!read_line(line, sizeof line))
		_exit(0); /* the runner has gone */
	if (sscanf(line, "request %zu", &length) != 1)
		refuse("failed", EINVAL, "instead of a request: %.40s", line);
	if (length == 0 || length > LONGEST_REQUEST)
		refuse("failed", EINVAL, "a request of %zu bytes", length);
	char *text = allocate(length + 1, 1);
	if (!read_exactly(text, length))
		_exit(0);
	for (size_t i = 0; i < length; i++)
		words += text[i] == '\0';
	if (text[length - 1] != '\0')
		refuse("failed", EINVAL, "the request's last word does not end");
	*request = (struct request){.fill_cpus = "0", .vmas = 1, .in_flight = 1};
	take_commands(request, text, length, words);
	if (!request->strategy || !request->hygiene || !request->backing || !request->samples || !request->command_count ||
	    !request->planned)
		refuse("failed", EINVAL, "the request lacks a part");
	if (!(request->strategy->traits & OWN_REAPER) && !request->reaper)
		refuse("failed", EINVAL, "the request names no reaper");
	for (size_t i = 0; i < request->planned; i++)
		if (request->plan[i] >= request->command_count)
			refuse("failed", EINVAL, "the plan names command %u of %zu", request->plan[i], request->command_count);
}
