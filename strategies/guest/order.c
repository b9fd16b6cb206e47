/*
 * An order, read.
 *
 * The words of an order:
 *
 *     program=WORD ...    the worker's command line, without its last word
 *     isolate=WORD ...    settings of `isolate`, such as cpus=0
 *     env=NAME=VALUE ...  the worker's environment
 *     mode=N kbytes=N     vm.overcommit_* for the launches; kbytes only with a limit
 *     while_mapping=1     and for the mapping too
 *     make=FOLDER ...     folders that exist while the worker does: its control groups
 *     set=FILE=VALUE ...  what is written into files of theirs
 *     tell=FILE ...       files of theirs that are told at the end
 *     start_ms= launch_ms= exit_ms=   patience until ready, until done, and after exit
 *
 * then an empty word, and the worker's request as it stands (host/request.c).
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

static bool add_word(struct words *words, char *word)
{
	if (words->count == MOST_WORDS)
		return false;
	words->word[words->count++] = word;
	return true;
}

static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);

	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* NULL, or what cannot be understood. */
static const char *take_word(struct order *order, char *word)
{
	const char *value;

	const struct {
		const char *key;
		struct words *words;
	} lists[] = {
		{"program", &order->program}, {"isolate", &order->isolate}, {"env", &order->environment},
		{"make", &order->folders},    {"set", &order->settings},    {"tell", &order->told},
	};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (value_of(word, lists[i].key))
			return add_word(lists[i].words, word + strlen(lists[i].key) + 1) ? NULL : "too many words";
	if ((value = value_of(word, "mode")))
		order->mode = value;
	else if ((value = value_of(word, "kbytes")))
		order->kbytes = value;
	else if ((value = value_of(word, "while_mapping")))
		order->while_mapping = true;
	else if ((value = value_of(word, "start_ms")))
		order->start = atoll(value) * MILLISECOND;
	else if ((value = value_of(word, "launch_ms")))
		order->launch = atoll(value) * MILLISECOND;
	else if ((value = value_of(word, "exit_ms")))
		order->exit = atoll(value) * MILLISECOND;
	else
		return word;
	return NULL;
}

/* Words, an empty one, and the request. NULL, or what cannot be understood. */
const char *take_order(struct order *order, char *text, size_t size)
{
	char *word = text;

	while (word < text + size && *word) {
		char *next = word + strlen(word) + 1;
		const char *wrong = take_word(order, word);

		if (wrong)
			return wrong;
		word = next;
	}
	if (word >= text + size)
		return "the order has no request";
	order->request = word + 1;
	order->request_size = (size_t)(text + size - order->request);
	return order->program.count ? NULL : "the order names no program";
}
