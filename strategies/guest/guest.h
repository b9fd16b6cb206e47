/*
 * The guest agent: what carries out workers where the runner is not, behind a serial line. What its files share.
 *
 *     launchbench-worker agent DEVICE FOLDER
 *
 * speaks frames with the runner (bench/kernels/wire.py) over a terminal device. As process 1 of a guest it first mounts
 * what a worker needs, and powers off at the end; as any other process it mounts nothing and just ends. FOLDER is for
 * the files of the worker in hand, and is memory in a guest.
 *
 * A frame is 16 bytes of head and a payload, little-endian:
 *
 *     "LBF1"   four letters of kind   length of the payload (u32)   CRC-32 of the payload (u32)
 *
 *     runner              agent
 *                 <----   helo   {"version", "first"}: the agent is there; first: as process 1
 *     read  ----->                paths, each ended by NUL; of a folder, the files in it
 *                 <----   file   path, NUL, contents: one for each that can be read
 *                 <----   over   {}
 *     work  ----->                words of an order (attend.c), an empty word, the worker's request as it stands
 *                 <----   said   a message of the worker, as it came: ready or its refusal, later done
 *                 <----   held   {"zombies","children","descriptors","threads"}: the census at ready, later at done
 *                 <----   file   what was in force during the launches; samples, arrivals, stderr, observed;
 *                                what the order wanted told
 *                 <----   left   {"pid","name","state"}: a process that outlived the worker
 *                 <----   over   {"returncode","hung","oom","reason"}
 *     stop  ----->                the agent ends, and the guest with it
 *
 * In front of a frame NULs may stand, which mean nothing: QEMU now and then loses the interrupt for what it has put into
 * the serial port of an idle guest, and the next byte wakes it. The runner sends one when nothing has come for a while.
 */
#ifndef LAUNCHBENCH_GUEST_H
#define LAUNCHBENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* wire.c. All end the agent when the runner has gone. */
bool open_channel(const char *device);
void send_frame(const char *kind, const void *payload, size_t size);
void send_text(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
void send_file(const char *path, const char *name);
void send_tail(const char *path, const char *name, size_t tail); /* its last bytes */
void channel_drained(void);
char *receive_frame(char kind[5], size_t *size); /* the payload, with a NUL after it; the caller frees it */

/* boot.c */
void become_init(void);
_Noreturn void power_off(void);

/* attend.c: one worker, from its order to its end. */
void attend(char *order, size_t size, const char *folder);

/* family.c: the census of bench/measure/census.py, counted where the worker is. */
#define MOST_HELPERS 256
struct count {
	int zombies, children, descriptors, threads;
	pid_t helpers[MOST_HELPERS]; /* children alive when the worker was ready: they belong to the strategy */
	int helper_count;
};
bool count_family(pid_t worker, const struct count *ready, struct count *out);
bool count_idle(pid_t worker, const struct count *ready, struct count *out);
void end_strays(void);
void end_family(void);

/* clock.c of the host */
int64_t now(void);

#define MILLISECOND ((int64_t)1000000)

#endif
