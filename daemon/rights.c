// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rights.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "daemon/clock.h"
#include "daemon/config.h"

#define KNOWN_MSEC 1000
#define GROUPS_MAX 256

static bool in_group(const char *name, const struct ucred *peer)
{
	struct group *group = *name ? getgrnam(name) : NULL;
	gid_t wanted, groups[GROUPS_MAX];
	int count = GROUPS_MAX, i;
	struct passwd *user;

	if (!group)
		return false;
	wanted = group->gr_gid;
	if (peer->gid == wanted)
		return true;
	user = getpwuid(peer->uid);
	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

static enum mx_right look_up(const struct mx_config *c, const struct ucred *peer)
{
	struct passwd *reputation;

	if (in_group(c->admin_group, peer))
		return MX_RIGHT_CHANGE;
	reputation = *c->reputation_user ? getpwnam(c->reputation_user) : NULL;
	if (reputation && reputation->pw_uid == peer->uid)
		return MX_RIGHT_STEER;
	return in_group(c->reader_group, peer) ? MX_RIGHT_READ : MX_RIGHT_NONE;
}

static void forget_when_old(struct mx_rights *rights, u64 generation)
{
	u64 now = mx_clock_steady_ms();

	if (generation == rights->generation && now < rights->since + KNOWN_MSEC)
		return;
	rights->count = 0;
	rights->generation = generation;
	rights->since = now;
}

enum mx_right mx_rights_of(struct mx_rights *rights, const struct mx_config *config, u64 generation, int fd)
{
	struct mx_right_known found = { 0 };
	struct ucred peer;
	socklen_t size = sizeof(peer);
	u32 i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return MX_RIGHT_NONE;
	if (!peer.uid)
		return MX_RIGHT_CHANGE;
	forget_when_old(rights, generation);
	for (i = 0; i < rights->count; i++)
		if (rights->known[i].user == peer.uid && rights->known[i].group == peer.gid)
			return rights->known[i].right;
	found.user = peer.uid;
	found.group = peer.gid;
	found.right = look_up(config, &peer);
	if (rights->count < MX_RIGHTS_KNOWN)
		rights->known[rights->count++] = found;
	return found.right;
}
