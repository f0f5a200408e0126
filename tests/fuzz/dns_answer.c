// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz target: the bytes are a DNS message. Whatever they are, what is read of them has to be sane, and the same twice.
 */
#include <stdlib.h>

#include "daemon/dns_answer.h"
#include "tests/dns_check.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	static struct mx_dns_answer first, second;
	enum mx_dns_result result = mx_dns_answer_read(bytes, length, &first);
	u32 i;

	if (!dns_answer_is_sane(result, &first))
		abort();
	if (mx_dns_answer_read(bytes, length, &second) != result || !dns_answers_are_same(&first, &second))
		abort();
	if (!mx_dns_answer_is_sound(&first, mx_dns_answer_size(&first)))
		abort();
	mx_dns_question_read(bytes, length, &second);
	if (second.count || !mx_dns_answer_is_sound(&second, mx_dns_answer_size(&second)))
		abort();
	for (i = 0; i < first.count; i++) {
		const char *target = first.records[i].target;

		/* the rule for suffixes: a name ends with itself and with what stands behind any of its dots */
		if (*target && !mx_dns_name_ends_with(target, target))
			abort();
		if (strchr(target, '.') && !mx_dns_name_ends_with(target, strchr(target, '.') + 1))
			abort();
	}
	return 0;
}
