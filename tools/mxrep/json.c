// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/json.h"

void rep_json_print(json_t *answer, FILE *out)
{
	json_dumpf(answer, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(answer);
}
