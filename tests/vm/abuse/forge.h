/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes messages that are nearly right, by numbers from a seed: the same seed makes the same messages. */
#ifndef MX_ABUSE_FORGE_H
#define MX_ABUSE_FORGE_H

#include "core/snapshot.h"
#include "tests/vm/abuse/wire.h"

/* What a round of messages is mostly about. */
enum forge_theme {
	FORGE_SETTING,   /* what is begun is complete, and stays */
	FORGE_BEGINNING, /* policies are begun, and never complete */
};

struct forge {
	u64 random;
	u64 in_force, before; /* generations */
	u64 begun;            /* that is complete and not in force */
	u64 hopeless;         /* whose checksum is never right */
	const struct mx_snapshot *snapshot;
	enum forge_theme theme;
	bool tame; /* nothing that is right for a policy in force, or the one before, and would change it */
};

/* What the answer to a message has to be like. */
struct forge_expectation {
	u8 command;
	bool answered; /* there has to be one, whatever it is */
	bool refused;
	bool words; /* if it is an error it has words: it came as far as the policies of attributes */
	bool last;  /* nothing may follow it in what is sent at once */
};

u64 forge_number(struct forge *forge);

/* Appends a message to what is to be sent. */
struct forge_expectation forge_message(struct forge *forge, struct wire *wire);

#endif
