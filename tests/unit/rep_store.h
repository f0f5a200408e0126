/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store of mxrep's for one test, in a file that goes with it. */
#ifndef MX_TEST_REP_STORE_H
#define MX_TEST_REP_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/mxrep/store.h"

static char rep_store_path[] = "/tmp/mxload-rep-XXXXXX";

static struct rep_store *rep_store_made(void)
{
	char error[300];

	strcpy(rep_store_path + strlen(rep_store_path) - 6, "XXXXXX");
	close(mkstemp(rep_store_path));
	return rep_store_open(rep_store_path, error, sizeof(error));
}

static void rep_store_gone(struct rep_store *store)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[sizeof(rep_store_path) + 4];
	size_t i;

	rep_store_close(store);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", rep_store_path, suffixes[i]);
		unlink(name);
	}
}

#endif
