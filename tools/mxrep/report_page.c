// SPDX-License-Identifier: GPL-2.0-or-later
/* One page that needs nothing else: no script, no file, no network. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"
#include "tools/mxrep/report.h"

#define EXPECTED "expected a file, in a folder that may be written to"

/* Colours of charts are given with them, for a light ground. */
static const char style[] =
	":root{color-scheme:light dark;--ink:#161616;--ground:#fff;--faint:#ddd;--soft:#f3f4f6;--link:#0b57a4;"
	"--bad:#a40e0e;--warn:#7a4d00;--well:#0b6b3a}"
	"*{box-sizing:border-box}"
	"body{font:15px/1.45 "
	"system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:76rem;margin:1rem "
	"auto;padding:0 1rem;overflow-wrap:anywhere}"
	"a{color:var(--link)}h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2.2rem 0 .4rem;"
	"border-bottom:1px solid var(--faint)}h3{font-size:1.05rem;margin:1.4rem 0 .2rem}"
	"h4{font-size:.85rem;font-weight:600;margin:.4rem 0 .1rem}"
	"nav ul,.legend{list-style:none;padding:0;margin:.2rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem}"
	".troubles{padding-left:1.1rem}.troubles li{margin:.3rem 0}"
	".spammer strong{color:var(--bad)}.suspicious strong{color:var(--warn)}.well{color:var(--well);font-weight:600}"
	".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:.4rem 1.4rem}"
	"svg{width:100%;height:auto;display:block}svg text{font:13px system-ui,sans-serif;fill:var(--ink)}"
	".plots>div{max-width:32rem}"
	".legend{font-size:.82rem}.legend svg{width:34px;height:12px;display:inline-block;vertical-align:middle}"
	".line,.limit,.bar,.axis,.grid{fill:none}.line,.limit{stroke-width:2}.limit{stroke-dasharray:7 4}"
	".striped{stroke-dasharray:3 2}.axis{stroke:var(--ink)}.grid{stroke:var(--faint)}"
	".wide{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
	"font-size:.9rem;overflow-wrap:normal}caption{text-align:left;font-weight:600;padding:.2rem 0}"
	"td,th{padding:.18rem .9rem .18rem 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--faint)}"
	"thead th{vertical-align:bottom;white-space:nowrap;border-bottom:1px solid var(--ink)}"
	"tbody th,.t{text-align:left}tbody th{font-weight:400;min-width:5rem;max-width:16rem;overflow-wrap:anywhere}"
	"td.t{min-width:6rem;max-width:32rem;overflow-wrap:anywhere}"
	"tr.spammer th,tr.spammer td.t:last-child{color:var(--bad);font-weight:600}"
	"tr.suspicious th,tr.suspicious td.t:last-child{color:var(--warn);font-weight:600}"
	"tr.sum th,tr.sum td{font-weight:600;background:var(--soft)}"
	".when th,td.when{white-space:nowrap}"
	"summary{cursor:pointer;color:var(--link);font-size:.9rem}"
	"@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--ground:#15181c;--faint:#3a3f45;--soft:#20252b;"
	"--link:#7db8f0;--bad:#ff8a80;--warn:#f0b429;--well:#5fd38d}"
	"[stroke=\"#0072b2\"]{stroke:#56b4e9}[fill=\"#0072b2\"]{fill:#56b4e9}"
	"[stroke=\"#d55e00\"]{stroke:#ff7f2a}[fill=\"#d55e00\"]{fill:#ff7f2a}"
	"[stroke=\"#000000\"]{stroke:#fff}[fill=\"#000000\"]{fill:#fff}"
	"[stroke=\"#b07800\"]{stroke:#f0c040}[fill=\"#b07800\"]{fill:#f0c040}"
	"[stroke=\"#009e73\"]{stroke:#2fd0a0}[fill=\"#009e73\"]{fill:#2fd0a0}"
	"[stroke=\"#6a4c93\"]{stroke:#b79ce0}[fill=\"#6a4c93\"]{fill:#b79ce0}}"
	"@media (max-width:40rem){body{padding:0 "
	".7rem;font-size:16px}td,th{padding-right:.7rem}table{width:max-content}td.t{max-width:16rem}}"
	"@media "
	"print{:root{color-scheme:light;--ink:#000;--ground:#fff;--faint:#bbb}body{max-width:none;font-size:10pt}"
	"nav,details{display:none}.wide{overflow:visible}table{font-size:8pt}td,th{padding-right:.4rem}"
	".plots{grid-template-columns:1fr 1fr 1fr}.plots>div,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}}";

static void print_head(const struct rep_page *p)
{
	char when[MX_TIME_TEXT];

	fprintf(p->out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n<meta name=\"viewport\""
		" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"robots\" content=\"noindex\"/>\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		"'unsafe-inline'\"/>\n"
		"<title>mxrep: what became of the mail</title>\n<style>%s</style></head>\n<body>\n<header>\n"
		"<h1>What became of the mail</h1>\n<p>Written by mxrep at %s, of the store ",
		style, mx_time_text(p->now, when));
	mx_html_text(p->settings->store, p->out);
	fputs(". Days are those of UTC, the last is today so far.</p>\n</header>\n", p->out);
}

static void print_ways(FILE *out)
{
	static const char *const ways[][2] = {
		{ "now", "the last 24 hours" },
		{ "lanes", "lanes" },
		{ "warmup", "warm-up" },
		{ "sources", "sources by day" },
		{ "providers", "providers by day" },
		{ "plots", "lanes by day" },
		{ "replies", "what was answered" },
		{ "actions", "what was done" },
		{ "dmarc", "DMARC" },
		{ "attribution", "how surely" },
	};
	size_t i;

	fputs("<nav aria-label=\"parts of this page\"><ul>", out);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		fprintf(out, "<li><a href=\"#%s\">%s</a></li>", ways[i][0], ways[i][1]);
	fputs("</ul></nav>\n", out);
}

static void print_empty(const struct rep_page *p)
{
	fprintf(p->out,
		"<h2 id=\"empty\">Nothing has been counted in the last %d days</h2>\n<p>What to do next:</p>\n<ol>\n",
		REP_PAGE_DAYS);
	if (!p->settings->log_count)
		fputs("<li>No log is named yet: name the MTA's log in <code>logs</code> of <code>", p->out);
	else
		fprintf(p->out, "<li>%u %s named: see that mxrep may read %s, by <code>logs</code> of <code>",
			p->settings->log_count, p->settings->log_count == 1 ? "log is" : "logs are",
			p->settings->log_count == 1 ? "it" : "them");
	mx_html_text(p->settings->path, p->out);
	fputs("</code>; <code>mxrep check</code> says whether that file is well.</li>\n"
	      "<li>Read the logs that are there: <code>mxrep ingest /var/log/mail.log*</code></li>\n"
	      "<li>Follow them from now on: <code>mxrep run</code>, which is the service mxrep.</li>\n"
	      "<li>Write this page again: <code>mxrep report --html FILE</code></li>\n</ol>\n",
	      p->out);
}

void rep_page_print(struct rep_store *store, const struct rep_settings *settings, s64 now, FILE *out)
{
	struct rep_page p = { .store = store, .settings = settings, .now = now, .out = out };

	rep_page_read(&p);
	print_head(&p);
	if (p.days.count) {
		print_ways(out);
		fputs("<main>\n", out);
		rep_page_troubles(&p);
		rep_page_lanes(&p);
		rep_page_warmup(&p);
		rep_page_plots(&p);
		rep_page_replies(&p);
	} else {
		fputs("<main>\n", out);
		print_empty(&p);
	}
	if (p.days.count || p.action_count)
		rep_page_actions(&p);
	rep_page_dmarc(&p);
	if (p.days.count)
		rep_page_attribution(&p);
	fputs("</main>\n</body></html>\n", out);
	rep_page_free(&p);
}

/* --- the file -------------------------------------------------------------------------------------------------- */

static bool write_all(int file, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(file, bytes, length);

		if (n < 0 && errno != EINTR)
			return false;
		bytes += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* A page that is a link stays one: what it leads to is replaced. */
static bool replace(const char *path, const char *bytes, size_t length)
{
	char target[PATH_MAX], temporary[PATH_MAX + 8];
	struct stat there;
	int file, saved;

	if (!realpath(path, target))
		snprintf(target, sizeof(target), "%s", path);
	if (!stat(target, &there) && !S_ISREG(there.st_mode)) {
		errno = S_ISDIR(there.st_mode) ? EISDIR : EINVAL;
		return false;
	}
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", target);
	file = mkostemp(temporary, O_CLOEXEC);
	if (file < 0)
		return false;
	if (write_all(file, bytes, length) && !fchmod(file, 0644) && !fsync(file) && !rename(temporary, target)) {
		close(file);
		return true;
	}
	saved = errno;
	close(file);
	unlink(temporary);
	errno = saved;
	return false;
}

/* The page is made in memory first: whatever happens meanwhile, no part of a file is left. */
bool rep_report_page(struct rep_store *store, const struct rep_settings *settings, const char *path, char *error,
		     size_t size)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);
	bool is_written;

	mx_have(out);
	rep_page_print(store, settings, time(NULL), out);
	if (fclose(out))
		mx_fatal("out of memory");
	is_written = replace(path, bytes, length);
	if (!is_written)
		snprintf(error, size, "%s: %s: " EXPECTED, path, strerror(errno));
	free(bytes);
	return is_written;
}
