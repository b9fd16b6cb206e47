/*
 * dlopen() takes the loader's locks. glibc makes the outer one new in the child of a fork (posix/fork.c, dl_load_lock), and
 * not the one inside it, which is held while the list of loaded libraries is changed: so it is that one which is caught.
 */
#include "../host/held_lock.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/* Weak: a static program has no loader, and what looks like one in it would be another library's (dlopen(3), ld(1)). */
extern void *dlopen(const char *file, int mode) __attribute__((weak));
extern int dlclose(void *handle) __attribute__((weak));

/* Libraries that come with the C library, and that nothing here needs. */
#define LIBRARY "libanl.so.1"
#define OTHER_LIBRARY "libBrokenLocale.so.1"

static const char *supported(void)
{
	if (!dlopen || !dlclose)
		return "a static libc has no loader";
	const char *const names[] = {LIBRARY, OTHER_LIBRARY};

	for (size_t i = 0; i < 2; i++) {
		void *library = dlopen(names[i], RTLD_NOW);

		if (!library)
			return "dlopen() does not find " LIBRARY " and " OTHER_LIBRARY " here";
		dlclose(library);
	}
	return NULL;
}

static void call(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);

	if (library)
		dlclose(library);
}

static void call_in_child(void)
{
	dlopen(OTHER_LIBRARY, RTLD_NOW); /* not there yet: it must be put on the list */
}

static int first_only(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)info, (void)size, (void)unused;
	return 1;
}

/* Holds the list's lock, and no other (elf/dl-iteratephdr.c). */
static void probe(void)
{
	dl_iterate_phdr(first_only, NULL);
}

static const struct lock lock = {.owner = LOCK_OF_GLIBC, .call = call, .in_child = call_in_child, .probe = probe};

static void trial(struct trial *trial)
{
	held_lock_trial(trial, &lock);
}

static struct oracle oracle(const struct strategy *strategy, const char *mitigation)
{
	return held_lock_oracle(strategy, mitigation, LOCK_OF_GLIBC);
}

LAUNCHBENCH_HAZARD(
	.name = "lock_dlopen",
	.summary = "another thread is in dlopen() during the launch, and the child calls it before it execs",
	.source = "signal-safety(7): dlopen() is not async-signal-safe; glibc elf/dl-open.c, _dl_load_write_lock",
	.mitigations = (const char *const[]){"call_before", NULL},
	.supported = supported,
	.oracle = oracle,
	.trial = trial,
);
