// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay FILE-OR-DIRECTORY... - runs a fuzz target on each file, without libFuzzer: what was found once stays found.
 * The bytes are given in a block of their exact size (for ASan).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/fuzz/target.h"

#define LARGEST 65536 /* no packet is longer */

static unsigned int files;

static void complain(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void replay(const char *path)
{
	static u8 bytes[LARGEST];
	FILE *in = fopen(path, "r");
	size_t length;
	u8 *exact;

	if (!in)
		complain(path);
	length = fread(bytes, 1, sizeof(bytes), in);
	if (ferror(in))
		complain(path);
	fclose(in);
	exact = malloc(length ? length : 1);
	if (!exact)
		complain(path);
	memcpy(exact, bytes, length);
	fprintf(stderr, "%s\n", path); /* the last line names the culprit */
	LLVMFuzzerTestOneInput(exact, length);
	free(exact);
	files++;
}

static void replay_all(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	char path[4096];

	if (!dir)
		complain(directory);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] != '.')
			replay(path);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	struct stat status;
	int i;

	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &status))
			complain(argv[i]);
		if (S_ISDIR(status.st_mode))
			replay_all(argv[i]);
		else
			replay(argv[i]);
	}
	if (!files) {
		fprintf(stderr, "replay: expected files, or directories that hold some\n");
		return 1;
	}
	printf("%u\n", files);
	return 0;
}
