/*
 * Scoped cleanup (GCC and Clang): what a function acquires, it names a cleanup
 * for on the same line, so that no exit path can forget it.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define CLEANUP(fn)  __attribute__((cleanup(fn)))
#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Defines name(type **), which frees *p with fn when it is not NULL. */
#define DEFINE_CLEANUP(name, type, fn)                                                                       \
	static inline void name(type **p)                                                                    \
	{                                                                                                    \
		if (*p != NULL)                                                                              \
			fn(*p);                                                                              \
	}

static inline void fd_closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void file_closep(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

#endif
