// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz target: the bytes are a complaint. What is told of it is sane, and the same twice. */
#include "tests/fuzz/rep_mail.h"

static bool told(const struct rep_complaint *complaint, void *context)
{
	const char *texts[] = { complaint->type,     complaint->recipient,  complaint->sender,     complaint->domain,
				complaint->reporter, complaint->message_id, complaint->feedback_id };
	struct seen *seen = context;

	require(complaint->type != NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		see(seen, texts[i]);
	if (complaint->has_source)
		see_address(seen, complaint->family, complaint->source);
	require(complaint->incidents >= 1 && complaint->incidents <= 1000);
	see_time(seen, complaint->time);
	seen->count++;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	struct seen seen[2] = { { 0, 0 } };
	int times = length % 8 ? 1 : 2; /* to try more in the same time */

	for (int i = 0; i < times; i++) {
		char error[512] = "";
		int result = rep_complaint_read((const char *)bytes, length, told, &seen[i], error, sizeof(error));

		see_result(result, &seen[i], error);
		require(seen[i].count == (result == 1));
	}
	require(times == 1 || (seen[0].sum == seen[1].sum));
	return 0;
}
