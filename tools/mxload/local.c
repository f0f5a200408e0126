// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <libgen.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mxload/client.h"

/* --- check ------------------------------------------------------------------------------------------------------ */

void mx_local_exec(char *const words[])
{
	static const char *const places[] = { "%s/%s", "%s/../sbin/%s", "%s/../bin/%s" };
	char self[4096], path[4352];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	self[n < 0 ? 0 : n] = '\0';
	dirname(self);
	for (i = 0; n > 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), places[i], self, words[0]);
		execv(path, words);
	}
	execvp(words[0], words);
}

static void run_mxloadd(const char *file)
{
	char *words[] = { strdup("mxloadd"), strdup("-n"), strdup("-c"), strdup(file), NULL };

	mx_local_exec(words);
	fprintf(stderr, "mxload: cannot run mxloadd: %s\n", strerror(errno));
	_exit(MX_EXIT_NO_DAEMON);
}

int mx_local_check(const char *file)
{
	pid_t child = fork();
	int status;

	if (child < 0) {
		fprintf(stderr, "mxload: cannot start mxloadd: %s\n", strerror(errno));
		return MX_EXIT_NO_DAEMON;
	}
	if (!child)
		run_mxloadd(file);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
		fputs("mxload: mxloadd ended before it had checked the file\n", stderr);
		return MX_EXIT_NO_DAEMON;
	}
	if (WEXITSTATUS(status))
		return WEXITSTATUS(status) == MX_EXIT_NO_DAEMON ? MX_EXIT_NO_DAEMON : MX_EXIT_REFUSED;
	printf("%s is well\n", file);
	return MX_EXIT_OK;
}

/* --- init ------------------------------------------------------------------------------------------------------- */

struct host {
	char name[NI_MAXHOST]; /* of the PTR record, or "" */
	char address[INET_ADDRSTRLEN];
	char address6[INET6_ADDRSTRLEN];
};

struct hosts {
	struct host *item;
	size_t count;
};

/* Docker calls the bridges of its networks br- and twelve hexadecimal digits; br-lan is somebody's own. */
static bool is_docker_bridge(const char *interface)
{
	return !strncmp(interface, "br-", 3) && strlen(interface) == 15 &&
	       strspn(interface + 3, "0123456789abcdef") == 12;
}

static bool is_inner_interface(const char *interface)
{
	static const char *const inner[] = { "docker", "veth", "virbr", "lxc", "lxd", "cni" };
	size_t i;

	for (i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (!strncmp(interface, inner[i], strlen(inner[i])))
			return true;
	return is_docker_bridge(interface);
}

/* Addresses that come and go (privacy extensions), or that new connections should no longer leave from. */
static bool is_passing(const struct in6_addr *address)
{
	FILE *in = fopen("/proc/net/if_inet6", "re");
	char text[33], wanted[33];
	unsigned int flags = 0;
	bool passing = false;
	size_t i;

	for (i = 0; i < 16; i++)
		sprintf(wanted + 2 * i, "%02x", address->s6_addr[i]);
	while (in && fscanf(in, "%32s %*x %*x %*x %x %*s", text, &flags) == 2)
		if (!strcmp(text, wanted))
			passing = flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED);
	if (in)
		fclose(in);
	return passing;
}

/* An address that mail can leave from into the world; networks of containers are left out by their interface. */
static bool is_candidate(const struct ifaddrs *ifa)
{
	const struct sockaddr *sa = ifa->ifa_addr;

	if (!sa || !(ifa->ifa_flags & IFF_UP) || is_inner_interface(ifa->ifa_name))
		return false;
	if (sa->sa_family == AF_INET) {
		unsigned int a = ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr);

		return a >> 24 != 127 && a >> 24 != 0 && a >> 16 != 0xa9fe;
	}
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		return !IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_LINKLOCAL(a) && !is_passing(a);
	}
	return false;
}

/* The entry with the same name that has no address of this family yet, else a new one. */
static struct host *host_for(struct hosts *hosts, const char *name, bool v6)
{
	struct host *h;
	size_t i;

	for (i = 0; *name && i < hosts->count; i++) {
		h = &hosts->item[i];
		if (!strcmp(h->name, name) && !*(v6 ? h->address6 : h->address))
			return h;
	}
	hosts->item = realloc(hosts->item, (hosts->count + 1) * sizeof(*h));
	if (!hosts->item)
		abort();
	h = &hosts->item[hosts->count++];
	memset(h, 0, sizeof(*h));
	snprintf(h->name, sizeof(h->name), "%s", name);
	return h;
}

/* The name of an address, or an empty text. `is_answered` becomes false when no name server answers: who asks one after
 * the other for hundreds of addresses would wait for hours. */
static void find_name(const struct sockaddr *sa, socklen_t size, char name[NI_MAXHOST], bool *is_answered)
{
	int rc;

	*name = '\0';
	if (!*is_answered)
		return;
	rc = getnameinfo(sa, size, name, NI_MAXHOST, NULL, 0, NI_NAMEREQD);
	if (rc)
		*name = '\0';
	if (rc != EAI_AGAIN)
		return;
	*is_answered = false;
	fputs("mxload: no name server answers: host names are left out\n", stderr);
}

static void add_address(struct hosts *hosts, const struct sockaddr *sa, bool *is_answered)
{
	bool v6 = sa->sa_family == AF_INET6;
	socklen_t size = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	char name[NI_MAXHOST], address[NI_MAXHOST];
	struct host *h;

	if (getnameinfo(sa, size, address, sizeof(address), NULL, 0, NI_NUMERICHOST))
		return;
	find_name(sa, size, name, is_answered);
	h = host_for(hosts, name, v6);
	if (v6)
		snprintf(h->address6, sizeof(h->address6), "%.*s", (int)sizeof(h->address6) - 1, address);
	else
		snprintf(h->address, sizeof(h->address), "%.*s", (int)sizeof(h->address) - 1, address);
}

static void write_config(FILE *out, const struct hosts *hosts)
{
	size_t i;

	fputs("# mxload.conf, written by `mxload init`. See mxload.conf(5).\n#\n"
	      "# Next: look at the sources, give them weights, then `mxload check FILE` and start mxloadd. In this "
	      "mode it\n"
	      "# decides, counts and explains, and touches no packet. When `mxload stats` shows what you want: "
	      "\"enforce\".\n"
	      "mode = \"observe\";\n\nsources: {\n",
	      out);
	for (i = 0; i < hosts->count; i++) {
		const struct host *h = &hosts->item[i];

		fprintf(out, "    mx%zu: {", i + 1);
		if (*h->address)
			fprintf(out, " address = \"%s\";", h->address);
		if (*h->address6)
			fprintf(out, " address6 = \"%s\";", h->address6);
		if (*h->name)
			fprintf(out, " hostname = \"%s\";", h->name);
		fputs(" };\n", out);
	}
	fputs("};\n\n# Who sends, and how much of it: a source with weight 2 gets twice the connections of one with "
	      "1.\n"
	      "pools: {\n    main: { members: {",
	      out);
	for (i = 0; i < hosts->count; i++)
		fprintf(out, " mx%zu = 1;", i + 1);
	fputs(" }; };\n};\n\n# Add those that you send most to, by their prefixes.\nproviders: {\n    default: { "
	      "};\n};\n\n"
	      "routes = ( { pool = \"main\"; } );\n",
	      out);
}

static int find_hosts(struct hosts *hosts)
{
	struct ifaddrs *all, *ifa;
	bool is_answered = true;

	if (getifaddrs(&all)) {
		fprintf(stderr, "mxload: cannot list the addresses of this host: %s\n", strerror(errno));
		return MX_EXIT_REFUSED;
	}
	if (isatty(STDERR_FILENO))
		fputs("mxload: asking the DNS for the names of this host's addresses\n", stderr);
	for (ifa = all; ifa; ifa = ifa->ifa_next)
		if (is_candidate(ifa))
			add_address(hosts, ifa->ifa_addr, &is_answered);
	freeifaddrs(all);
	if (!hosts->count) {
		fputs("mxload: this host has no address that mail could leave from\n", stderr);
		return MX_EXIT_REFUSED;
	}
	return MX_EXIT_OK;
}

int mx_local_init(const char *file)
{
	struct hosts hosts = { 0 };
	int status = find_hosts(&hosts);
	FILE *out;

	if (status)
		return status;
	out = file ? fopen(file, "wxe") : stdout; /* never over one that is there */
	if (out)
		write_config(out, &hosts);
	if (!out || fflush(out)) {
		fprintf(stderr, "mxload: %s: %s\n", file ? file : "standard output", strerror(errno));
		status = MX_EXIT_REFUSED;
	}
	if (out && file)
		fclose(out);
	free(hosts.item);
	return status;
}
