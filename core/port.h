/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * What core needs from where it is compiled: fixed-size integers, memcpy and memset, a 64-bit division; and what it
 * asks of the compiler. This is the only file of core that knows the kernel from user space.
 */
#ifndef MX_CORE_PORT_H
#define MX_CORE_PORT_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

static inline u64 mx_div64(u64 a, u64 b)
{
	return div64_u64(a, b);
}
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

static inline u64 mx_div64(u64 a, u64 b)
{
	return a / b;
}
#endif

/*
 * A connection runs through many small functions: MX_WHOLE makes one piece of what it calls, as far as that is compiled
 * together; what is large and runs for few of them stays apart.
 */
#define MX_WHOLE __attribute__((__flatten__))
#define MX_APART __attribute__((__noinline__))

#endif
