/* The samples: a file mapped shared, so that what a killed worker had measured survives it. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(struct sample) == 80, "bench/measure/samples.py decodes 80 bytes");

struct sample *map_samples(const char *path, size_t planned)
{
	size_t size = planned * sizeof(struct sample);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		refuse("failed", errno, "the samples' file cannot be made");
	struct sample *samples = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (samples == MAP_FAILED)
		refuse("failed", errno, "the samples' file cannot be mapped");
	close(fd);
	memset(samples, 0, size); /* its pages are there before the clock runs */
	return samples;
}
