// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/reply.h"

static const char *const outcomes[REP_OUTCOMES] = { "sent", "deferred", "bounced" };

static const char *const categories[REP_CATEGORIES] = {
	[REP_NONE] = "none",
	[REP_USER_UNKNOWN] = "user-unknown",
	[REP_MAILBOX_FULL] = "mailbox-full",
	[REP_INACTIVE] = "inactive",
	[REP_TOO_LARGE] = "too-large",
	[REP_CONTENT] = "content",
	[REP_POLICY] = "policy",
	[REP_AUTHENTICATION] = "authentication",
	[REP_RATE_LIMITED] = "rate-limited",
	[REP_GREYLISTED] = "greylisted",
	[REP_BLOCKED_ADDRESS] = "blocked-address",
	[REP_BLOCKED_NETWORK] = "blocked-network",
	[REP_BLOCK_LIST] = "block-list",
	[REP_NETWORK] = "network",
	[REP_OURS] = "ours",
};

static const char *const scopes[REP_SCOPES] = {
	[REP_SCOPE_RECIPIENT] = "recipient", [REP_SCOPE_MESSAGE] = "message", [REP_SCOPE_DOMAIN] = "domain",
	[REP_SCOPE_SOURCE] = "source",       [REP_SCOPE_NETWORK] = "network", [REP_SCOPE_PROVIDER] = "provider",
};

const char *rep_outcome_name(enum rep_outcome outcome)
{
	return outcomes[outcome];
}

const char *rep_category_name(enum rep_category category)
{
	return categories[category];
}

const char *rep_scope_name(enum rep_scope scope)
{
	return scopes[scope];
}

static size_t find(const char *const *names, size_t first, size_t count, struct rep_text name)
{
	for (size_t i = first; i < count; i++)
		if (rep_text_is(name, names[i]))
			return i;
	return count;
}

enum rep_category rep_category_find(struct rep_text name)
{
	return (enum rep_category)find(categories, REP_NONE + 1, REP_CATEGORIES, name);
}

enum rep_scope rep_scope_find(struct rep_text name)
{
	return (enum rep_scope)find(scopes, 0, REP_SCOPES, name);
}

const char *rep_text_plain(struct rep_text text, char *plain, size_t size)
{
	size_t i;

	for (i = 0; i < text.length && i + 1 < size; i++)
		plain[i] = (char)(text.at[i] >= ' ' && text.at[i] <= '~' ? text.at[i] : '?');
	plain[i] = '\0';
	return plain;
}
