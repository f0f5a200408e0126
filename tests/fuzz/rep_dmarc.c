// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz target: the bytes are a DMARC report, bare or in a mail. What is told of it is sane, and the same twice. */
#include "tests/fuzz/rep_mail.h"

static bool told(const struct rep_dmarc_row *row, void *context)
{
	const char *texts[] = { row->reporter,    row->report_id,   row->domain,       row->policy,
				row->header_from, row->disposition, row->dkim_result,  row->dkim_domain,
				row->spf_result,  row->spf_domain,  row->dkim_selector };
	struct seen *seen = context;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		see(seen, texts[i]);
	see_address(seen, row->family, row->source);
	see_time(seen, row->begin);
	see_time(seen, row->end);
	seen->sum = seen->sum * 31 + row->count * 4 + row->dkim_aligned * 2 + row->spf_aligned;
	seen->count++;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	struct seen seen[2] = { { 0, 0 } };
	int times = length % 8 ? 1 : 2; /* to try more in the same time */

	for (int i = 0; i < times; i++) {
		char error[512] = "";
		int result = rep_dmarc_read((const char *)bytes, length, told, &seen[i], error, sizeof(error));

		see_result(result, &seen[i], error);
	}
	require(times == 1 || (seen[0].sum == seen[1].sum && seen[0].count == seen[1].count));
	return 0;
}
