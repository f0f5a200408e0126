// SPDX-License-Identifier: GPL-2.0-or-later
/* What is written comes back as it was; what cannot be written is said, and ends nothing. */
#include "tests/unit/build.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/store.h"

static char folder[64], path[96];

/* A program that ends at once gives nothing back, and that is no leak. Not there without the sanitizer. */
void __lsan_disable(void) __attribute__((weak));

static int up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mxload-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	return 0;
}

static int down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char file[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		unlink(file);
	}
	return rmdir(folder);
}

static struct mx_ledger_row row_of(const char *source, const char *provider, u64 network, u32 n)
{
	struct mx_ledger_row row = { .source = source,
				     .provider = provider,
				     .network = network,
				     .lease = { [MX_MESSAGES] = 0xffffffff - n, [MX_CONNECTIONS] = n } };
	u32 i;

	for (i = 0; i < sizeof(row.data); i++)
		row.data[i] = (u8)(i * 7 + n);
	return row;
}

static const struct mx_clock_mark mark = { 1234567890123, 1767225600000, 987654321, "0a1b2c3d-boot" };

struct found {
	const struct mx_ledger_row *expected;
	u32 count, seen;
};

static void compare(const struct mx_ledger_row *row, void *arg)
{
	struct found *f = arg;
	u32 i;

	f->seen++;
	for (i = 0; i < f->count; i++) {
		const struct mx_ledger_row *e = &f->expected[i];

		if (e->gone || strcmp(e->source, row->source) || strcmp(e->provider, row->provider) ||
		    e->network != row->network)
			continue;
		assert_memory_equal(e->lease, row->lease, sizeof(row->lease));
		assert_memory_equal(e->data, row->data, sizeof(row->data));
		return;
	}
	fail_msg("row of %s at %s that nobody has written", row->source, row->provider);
}

static void assert_rows(struct mx_store *store, const struct mx_ledger_row *rows, u32 count, u32 left)
{
	struct found f = { rows, count, 0 };

	mx_store_accounts(store, compare, &f);
	assert_int_equal(f.seen, left);
}

static void test_rows_come_back(void **state)
{
	struct mx_ledger_row rows[] = { row_of("s0", "", 0, 1), row_of("", "p0", 0, 2), row_of("s0", "p0", 0, 3),
					row_of("s0", "default", 0xffffffffffffff01ULL, 4),
					row_of("s0", "default", 0x1c0000200ULL, 5) };
	struct mx_store *store = mx_store_open(path);
	struct mx_clock_mark found;

	(void)state;
	assert_false(mx_store_clock(store, &found));
	assert_rows(store, rows, 5, 0);
	assert_null(mx_store_put_accounts(store, rows, 5, &mark, NULL));
	assert_rows(store, rows, 5, 5);
	mx_store_close(store);

	store = mx_store_open(path);
	assert_rows(store, rows, 5, 5);
	assert_true(mx_store_clock(store, &found));
	assert_memory_equal(&found, &mark, sizeof(mark));
	rows[1] = row_of("", "p0", 0, 77); /* written again */
	rows[3].gone = true;
	found.ledger++;
	assert_null(mx_store_put_accounts(store, rows, 5, &found, NULL));
	assert_rows(store, rows, 5, 4);
	assert_true(mx_store_clock(store, &found));
	assert_int_equal(found.ledger, mark.ledger + 1);
	assert_null(mx_store_error(store));
	mx_store_close(store);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* An account of another length is left out; the others are not lost with it. */
static void test_row_that_is_damaged(void **state)
{
	struct mx_ledger_row rows[] = { row_of("s0", "", 0, 1), row_of("", "p0", 0, 2) };
	struct mx_store *store = mx_store_open(path);

	(void)state;
	assert_null(mx_store_put_accounts(store, rows, 2, &mark, NULL));
	mx_store_close(store);
	run_sql("UPDATE accounts SET data = x'00' WHERE source = 's0'");
	store = mx_store_open(path);
	rows[0].gone = true;
	assert_rows(store, rows, 2, 1);
	mx_store_close(store);
}

/* Runs `act` in a process of its own: its exit status, or 256 and its signal; *said is its first line. */
static int in_child(void (*act)(void), char said[256])
{
	int out[2], status;
	pid_t child;
	ssize_t n;

	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		if (__lsan_disable)
			__lsan_disable();
		act();
		_exit(0);
	}
	close(out[1]);
	n = read(out[0], said, 255);
	said[n > 0 ? n : 0] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void open_it(void)
{
	mx_store_close(mx_store_open(path));
}

static void assert_refused(const char *because)
{
	char said[256];

	assert_int_equal(in_child(open_it, said), 1);
	assert_non_null(strstr(said, because));
	assert_non_null(strstr(said, path));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
}

static void test_newer_schema(void **state)
{
	(void)state;
	open_it();
	open_it(); /* its own */
	run_sql("PRAGMA user_version = 1000");
	assert_refused("schema version 1000 is newer than this program's 5");
	run_sql("PRAGMA user_version = 4");
	open_it();
}

static void test_no_database(void **state)
{
	FILE *out = fopen(path, "w");

	(void)state;
	fprintf(out, "this is a letter to nobody, of more than a hundred bytes, and no data base of anything at all;"
		     " it goes on and on\n");
	fclose(out);
	assert_refused("not a database");
}

static void write_until_full(void)
{
	struct mx_store *store = mx_store_open(path);
	struct rlimit limit = { 200000, 200000 };
	struct mx_ledger_row rows[16];
	u32 i, j, failed = 0;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (i = 0; i < 60; i++) {
		for (j = 0; j < 16; j++)
			rows[j] = row_of("full", "p", 1 + i * 16 + j, i);
		if (!mx_store_put_accounts(store, rows, 16, &mark, NULL))
			continue;
		failed++;
		if (!mx_store_error(store))
			_exit(3);
	}
	if (!failed)
		_exit(4);
	limit.rlim_cur = limit.rlim_max;
	mx_store_close(store);
}

static void count(const struct mx_ledger_row *row, void *arg)
{
	assert_int_equal(row->data[0], (u8)row->lease[MX_CONNECTIONS]);
	++*(u32 *)arg;
}

/* All or nothing of a commit is there, and the file is good when there is room again. */
static void test_full_disk(void **state)
{
	struct mx_ledger_row row = row_of("after", "", 0, 9);
	struct mx_store *store;
	char said[256];
	u32 before = 0, after = 0;

	(void)state;
	assert_int_equal(in_child(write_until_full, said), 0);
	store = mx_store_open(path);
	mx_store_accounts(store, count, &before);
	assert_true(before > 0 && before % 16 == 0);
	assert_null(mx_store_put_accounts(store, &row, 1, &mark, NULL));
	mx_store_accounts(store, count, &after);
	assert_int_equal(after, before + 1);
	mx_store_close(store);
}

static void become_nobody(void)
{
	if (!geteuid() && setuid(65534))
		_exit(5);
	open_it();
}

static void test_read_only(void **state)
{
	char said[256];

	(void)state;
	open_it();
	chmod(folder, 0555);
	chmod(path, 0444);
	assert_int_equal(in_child(become_nobody, said), 1);
	assert_non_null(strstr(said, path));
	chmod(folder, 0755);
	chmod(path, 0644);
}

static void read_without_table(void)
{
	struct mx_store *store = mx_store_open(path);
	sqlite3 *db;
	u32 n = 0;

	sqlite3_open(path, &db);
	sqlite3_exec(db, "DROP TABLE accounts", NULL, NULL, NULL);
	sqlite3_close(db);
	mx_store_accounts(store, count, &n);
	_exit(0); /* it has begun with nothing */
}

/* Whoever cannot read what was sent does not begin. */
static void test_what_cannot_be_read_is_not_nothing(void **state)
{
	char said[256];

	(void)state;
	assert_int_equal(in_child(read_without_table, said), 1);
	assert_non_null(strstr(said, "cannot be read"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows_come_back),
		TEST(test_row_that_is_damaged),
		TEST(test_newer_schema),
		TEST(test_no_database),
		TEST(test_full_disk),
		TEST(test_read_only),
		TEST(test_what_cannot_be_read_is_not_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
