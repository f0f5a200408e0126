// SPDX-License-Identifier: GPL-2.0-or-later
/* mxsim: the daemon's own decision and ledger under a clock of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/mxsim/model.h"
#include "tools/mxsim/options.h"
#include "tools/mxsim/report.h"

static void close_output(FILE *out, const char *name)
{
	if (fflush(out) || ferror(out))
		sim_fail("%s: %m", name);
	if (out != stdout && fclose(out))
		sim_fail("%s: %m", name);
}

static void write_file(const struct sim_tally *tally, const char *name,
		       void (*report)(const struct sim_tally *, FILE *))
{
	FILE *out = strcmp(name, "-") ? fopen(name, "w") : stdout;

	if (!out)
		sim_fail("%s: %m", name);
	report(tally, out);
	close_output(out, name);
}

static void print_speed(const struct sim_tally *t)
{
	double seconds = (double)t->nanoseconds / 1e9;

	fprintf(stderr,
		"%llu decisions in %.2f s of processor time: %.2f million a second; %llu refusals counted without "
		"asking again\n",
		(unsigned long long)t->decisions, seconds, (double)t->decisions / seconds / 1e6,
		(unsigned long long)t->counted);
}

int main(int argc, char **argv)
{
	struct sim_plan plan;
	struct sim_world world;
	struct sim_tally tally;

	setenv("TZ", "UTC", 1); /* a day has 24 hours, and a run is the same everywhere */
	mx_log_set_program("mxsim");
	sim_options_read(&plan, argc, argv);
	sim_world_init(&world, &plan);
	sim_tally_init(&tally, &plan, &world);
	sim_model_run(&plan, &world, &tally);
	if (plan.csv)
		write_file(&tally, plan.csv, sim_report_csv);
	if (plan.html)
		write_file(&tally, plan.html, sim_report_html);
	if (plan.json)
		write_file(&tally, "-", sim_report_json);
	else if (!plan.csv || strcmp(plan.csv, "-"))
		write_file(&tally, "-", sim_report_table);
	if (plan.speed)
		print_speed(&tally);
	sim_tally_free(&tally);
	sim_world_free(&world);
	free(plan.rates);
	return 0;
}
