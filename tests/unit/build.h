/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy for tests, from the text of a configuration, compiled as the daemon compiles it. */
#ifndef MX_TEST_BUILD_H
#define MX_TEST_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/decide.h"
#include "daemon/compile.h"
#include "daemon/text.h"

struct build {
	struct mx_config *config;
	struct mx_snapshot *snapshot;
	struct mx_state state;
	void *memory;
};

/* All sources usable, weights as configured, nothing paused. */
static inline void build_up(struct build *b, const char *text)
{
	char path[] = "/tmp/mxload-unit-XXXXXX", error[MX_CONFIG_ERROR] = "";
	FILE *out = fdopen(mkstemp(path), "w");
	u32 numbers[64], i, j, k;

	fprintf(out, "catalogue = \"\";\n%s", text);
	fclose(out);
	b->config = mx_config_read(path, error);
	unlink(path);
	if (!b->config)
		fail_msg("%s", error);
	for (i = 0; i < 64; i++)
		numbers[i] = i + 1;
	b->snapshot = mx_compile(b->config, numbers, 1);
	b->memory = calloc(1, mx_state_size(b->snapshot));
	mx_state_init(&b->state, b->snapshot, b->memory);
	for (i = 0; i < b->config->source_count; i++)
		b->state.usable[i] = (u8)b->config->sources[i].families;
	for (i = 0; i < b->config->pool_count; i++)
		for (j = 0; j < b->config->provider_count; j++)
			for (k = 0; k < b->config->pools[i].members.count; k++)
				mx_state_slot(&b->state, &mx_snapshot_pools(b->snapshot)[i], j, k)->weight =
					1000 * mx_config_weight(b->config, (u16)i, k, (u16)j);
}

static inline void build_down(struct build *b)
{
	mx_config_free(b->config);
	free(b->snapshot);
	free(b->memory);
}

static inline struct mx_flow flow_to(const char *to)
{
	struct mx_flow flow = { .to_port = 25, .user = MX_NO_ID, .group = MX_NO_ID };

	assert_true(mx_addr_parse(to, &flow.family, &flow.to));
	return flow;
}

static inline struct mx_verdict decide(struct build *b, const struct mx_flow *flow)
{
	struct mx_verdict v;

	mx_state_changed(&b->state); /* tests write into it as they like */
	mx_decide(b->snapshot, &b->state, flow, MX_NONE, (struct mx_moment){ 0, 0 }, &v);
	return v;
}

/* Decides and books. */
static inline struct mx_verdict serve(struct build *b, const struct mx_flow *flow)
{
	struct mx_verdict v = decide(b, flow);

	mx_account(b->snapshot, &b->state, flow, 0, &v);
	return v;
}

/* A small generator of its own, so that a seed means the same everywhere (xorshift64). */
static inline u64 random_next(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Up to 20 of `size` bytes become any. */
static inline void random_scribble(void *bytes, size_t size, u64 *seed)
{
	u64 n = 1 + random_next(seed) % 20;

	for (; n; n--)
		((u8 *)bytes)[random_next(seed) % size] = (u8)random_next(seed);
}

#endif
