// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz target: the bytes are a bounce. What is told of it is sane, and the same twice. */
#include "tests/fuzz/rep_mail.h"

static bool told(const struct rep_bounce *bounce, void *context)
{
	const char *texts[] = { bounce->recipient, bounce->original, bounce->status,   bounce->reply,
				bounce->remote,    bounce->reporter, bounce->queue_id, bounce->message_id };
	struct seen *seen = context;

	require(bounce->outcome == REP_BOUNCED || bounce->outcome == REP_DEFERRED);
	require(bounce->recipient != NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		see(seen, texts[i]);
	if (bounce->status)
		require(strchr("245", *bounce->status) && bounce->status[1] == '.');
	see_time(seen, bounce->time);
	return ++seen->count < 1500;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	struct seen seen[2] = { { 0, 0 } };
	int times = length % 8 ? 1 : 2; /* to try more in the same time */

	for (int i = 0; i < times; i++) {
		char error[512] = "";
		int result = rep_bounce_read((const char *)bytes, length, told, &seen[i], error, sizeof(error));

		see_result(result, &seen[i], error);
		require(result != -1 || !seen[i].count);
		require(seen[i].count <= (int)REP_MAIL_RECIPIENTS);
	}
	require(times == 1 || (seen[0].sum == seen[1].sum && seen[0].count == seen[1].count));
	return 0;
}
