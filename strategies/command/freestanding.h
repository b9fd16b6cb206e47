/*
 * What a program without libc and loader needs: an entry and system calls. The launched programs are so small that a
 * launch is timed and not a program's start.
 *
 * A program defines begin(stack): stack[0] is argc, argv follows and ends with NULL, then envp (System V ABI, "Process
 * Initialization").
 */
#ifndef LAUNCHBENCH_FREESTANDING_H
#define LAUNCHBENCH_FREESTANDING_H

#include <asm/unistd.h>
#include <stdint.h>

/* include/uapi/asm-generic/fcntl.h */
#define AT_FDCWD (-100)
#define O_RDONLY 0
#define O_WRONLY 01
#define O_APPEND 02000

__attribute__((used, noreturn)) void begin(long *stack);

#if defined(__x86_64__)
static inline long system_call(long number, long a, long b, long c, long d)
{
	long result;
	register long fourth __asm__("r10") = d;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
			 : "rcx", "r11", "memory");
	return result;
}

/* The kernel enters with the stack pointer at argc and no return address. */
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call begin\n");
#elif defined(__aarch64__)
static inline long system_call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x0, sp\n"
	"	bl begin\n");
#else
#error "the launched programs know the system calls of x86-64 and arm64"
#endif

static inline __attribute__((noreturn)) void leave(int status)
{
	for (;;)
		system_call(__NR_exit_group, status, 0, 0, 0);
}

static inline char **arguments_of(long *stack)
{
	return (char **)(stack + 1);
}

static inline char **environment_of(long *stack)
{
	return (char **)(stack + stack[0] + 2);
}

#endif
