// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * malloc and its kin of the whole program, libraries included: where there is no memory, it ends with one line. Not
 * every library looks at what it gets (libconfig nowhere, the C library not while it makes a locale), and a daemon that
 * goes on with half of what it wanted to do is worse than one that is started again: nothing that was counted is lost
 * by that.
 *
 * The linker gives these to everybody; they hand on to whoever would have been asked without them.
 */
#ifndef __SANITIZE_ADDRESS__ /* which has its own */

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"

/* Found at the first call. Threads may find it at the same time, and find the same. */
#define NEXT(name)                                                                                                     \
	({                                                                                                             \
		static __typeof__(&name) next;                                                                         \
		__typeof__(&name) found = __atomic_load_n(&next, __ATOMIC_RELAXED);                                    \
                                                                                                                       \
		if (!found) {                                                                                          \
			found = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                            \
			__atomic_store_n(&next, found, __ATOMIC_RELAXED);                                              \
		}                                                                                                      \
		found;                                                                                                 \
	})

/* Bytes: nobody asks for more but who believes a stranger's number. He is told that there is not so much. */
#define ABSURD (1ul << 30)

/* `size` 0: it may well be that nothing was made. Nothing is taken apart: whose lock may be held is not known here. */
static void *have(void *made, size_t size)
{
	if (!made && size && size < ABSURD) {
		mx_log(MX_LOG_ERROR, "out of memory");
		_exit(1);
	}
	return made;
}

void *malloc(size_t size)
{
	return have(NEXT(malloc)(size), size);
}

void *calloc(size_t count, size_t size)
{
	size_t all;

	return have(NEXT(calloc)(count, size), __builtin_mul_overflow(count, size, &all) ? ABSURD : all);
}

void *realloc(void *old, size_t size)
{
	return have(NEXT(realloc)(old, size), size);
}

#endif
