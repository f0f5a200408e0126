// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/privileges.h"

#ifndef MX_DATADIR
#define MX_DATADIR "/usr/share/mxload"
#endif

static const char usage[] =
	"usage: mxloadd [-c FILE] [-r RULES] [-u USER]   run in the foreground, log to standard error\n"
	"       mxloadd -n [-v] [-c FILE]                check the configuration\n"
	"\n"
	"  -c FILE    the configuration (default: /etc/mxload/mxload.conf)\n"
	"  -r RULES   the nft rules (default: " MX_DATADIR "/mxload.nft)\n"
	"  -u USER    who to go on as when root has started it (default: " MX_USER "; \"\": root)\n"
	"  -n         check the configuration, and do nothing else\n"
	"  -v         with -n: print it in canonical form\n"
	"  -V         print the version\n"
	"  -h         print this\n"
	"\n"
	"SIGHUP reads the configuration again; SIGTERM leaves in order: mail goes on by the last weights.\n";

struct options {
	const char *config, *rules;
	struct mx_daemon_user user;
	bool check, print;
};

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "c:r:u:nvhV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'r':
			o->rules = optarg;
			break;
		case 'u':
			o->user = (struct mx_daemon_user){ optarg, false };
			break;
		case 'n':
			o->check = true;
			break;
		case 'v':
			o->print = true;
			break;
		case 'V':
			puts("mxloadd " MX_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc || (o->print && !o->check)) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = { "/etc/mxload/mxload.conf", MX_DATADIR "/mxload.nft", { MX_USER, true }, false, false };
	char error[MX_CONFIG_ERROR];
	struct mx_config *config;
	u32 i;

	parse(&o, argc, argv);
	config = mx_config_read(o.config, error);
	if (!config) {
		fprintf(stderr, "mxloadd: error: %s\n", error);
		return 1;
	}
	if (!o.check) {
		mx_daemon_run(config, o.rules, &o.user);
		return 0;
	}
	if (o.print)
		mx_config_print(config, stdout);
	else
		for (i = 0; i < config->warnings.count; i++)
			fprintf(stderr, "mxloadd: warning: %s\n", config->warnings.items[i]);
	mx_config_free(config);
	return 0;
}
