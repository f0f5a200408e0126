/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module's family of generic netlink, byte by byte: for messages that no library would send. */
#ifndef MX_ABUSE_WIRE_H
#define MX_ABUSE_WIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/port.h"
#include "kmod/uapi/mxload.h"

/* Says what is wrong, and ends the program with status 1. */
#define die(...)                                                                                                       \
	do {                                                                                                           \
		printf(__VA_ARGS__);                                                                                   \
		printf("\n");                                                                                          \
		exit(1);                                                                                               \
	} while (0)

#define WIRE_BYTES (1 << 20) /* of messages that are sent at once */

struct wire {
	int fd;
	u16 family; /* the type of the module's messages */
	u32 group;  /* of decisions */
	u32 sequence;
	size_t length;
	u8 bytes[WIRE_BYTES] __attribute__((aligned(8)));
};

/* A netlink socket for the namespace of the caller. NULL: the module is not loaded. */
struct wire *wire_open(void);
void wire_close(struct wire *wire);

/* Appends a message, and returns where it begins in `bytes`. put: an attribute of it, of `size` bytes. end: it is
 * whole.
 */
size_t wire_begin(struct wire *wire, u8 command);
void wire_put(struct wire *wire, u16 type, const void *data, size_t size);
void wire_end(struct wire *wire, size_t begin);

/* Sends all that was appended. The kernel has dealt with it when this returns. 0, or an errno. */
int wire_send(struct wire *wire);

/* Whether every answer that waits was read: `each` gets those that are errors or acknowledgements (error 0). */
bool wire_read(struct wire *wire, void (*each)(u32 sequence, int error, const char *text, void *arg), void *arg);

/* Sends what was appended, one message, and returns its error (0, or negative); its words, if any, are in `text`. */
int wire_ask(struct wire *wire, const char **text);

#endif
