// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/line_time.h"

#include <time.h>

#define DAY 86400
#define HOUR 3600
#define SECOND 1000000 /* microseconds */
#define DISORDER 300   /* seconds that a line may be earlier than the one before it */
#define LEAP_CYCLE 8   /* years that 29 February may be away */

struct civil {
	int year, month, day, hour;
};

static int two_digits(const char *at)
{
	unsigned int tens = (unsigned char)at[0] - '0', ones = (unsigned char)at[1] - '0';

	return tens < 10 && ones < 10 ? (int)(tens * 10 + ones) : -1;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_valid(const struct civil *c)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (c->month < 1 || c->month > 12 || c->day < 1 || c->hour < 0 || c->hour > 23)
		return false;
	return c->day <= days[c->month - 1] + (c->month == 2 && is_leap(c->year));
}

/* Seconds since the epoch as if it were UTC; from 1970 on. */
static s64 naive_seconds(const struct civil *c)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	s64 years = c->year - 1;
	s64 days = years * 365 + years / 4 - years / 100 + years / 400 - 719162;

	days += before[c->month - 1] + (c->month > 2 && is_leap(c->year)) + c->day - 1;
	return days * DAY + c->hour * HOUR;
}

/* Of local time from UTC, at a moment. */
static s64 offset_at(s64 seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	return localtime_r(&when, &parts) ? parts.tm_gmtoff : 0;
}

/*
 * The moments that local time calls `naive`: one or two, or the one after a gap. mktime() does not say which of two it
 * chose.
 */
static int local_moments(s64 naive, s64 moments[2])
{
	s64 before = offset_at(naive - DAY), after = offset_at(naive + DAY);
	int count = 0;

	if (offset_at(naive - before) == before)
		moments[count++] = naive - before;
	if (after != before && offset_at(naive - after) == after)
		moments[count++] = naive - after;
	if (!count)
		moments[count++] = naive - before;
	return count;
}

/* In an hour that the clock was changed in, each line for itself. Lines come in order, or nearly. */
static s64 changing_moment(const struct rep_clock *clock, s64 naive)
{
	s64 moments[2];

	if (local_moments(naive, moments) == 2 && clock->has_last && moments[0] < clock->last - DISORDER)
		return moments[1];
	return moments[0];
}

static void remember(struct rep_clock *clock, const char *key, size_t length, s64 naive)
{
	s64 first[2], last[2];

	memcpy(clock->key, key, length);
	clock->key_length = length;
	clock->naive = naive;
	local_moments(naive, first);
	clock->steady = local_moments(naive + HOUR - 1, last) == 1 && last[0] - first[0] == HOUR - 1;
	clock->offset = naive - first[0];
}

static inline bool is_remembered(const struct rep_clock *clock, const char *key, size_t length)
{
	return clock->key_length == length && !memcmp(clock->key, key, length);
}

static s64 local_time(struct rep_clock *clock, s64 naive)
{
	clock->last = clock->steady ? naive - clock->offset : changing_moment(clock, naive);
	clock->has_last = true;
	return clock->last;
}

/* 1 to 12; 0: no month's name. */
static int month_of(const char *at)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int month;

	for (month = 1; month <= 12; month++)
		if (!memcmp(names + 3 * (month - 1), at, 3))
			return month;
	return 0;
}

/* The year is the last one that does not put the hour more than a day behind the reference. */
static bool find_year(const struct rep_clock *clock, struct civil *c)
{
	time_t limit = (time_t)(clock->reference + DAY);
	struct tm parts;
	int first;

	if (!localtime_r(&limit, &parts))
		return false;
	first = parts.tm_year + 1900 > 1970 ? parts.tm_year + 1900 : 1970;
	for (c->year = first; c->year >= 1970 && c->year >= first - LEAP_CYCLE; c->year--)
		if (is_valid(c) && naive_seconds(c) <= limit + parts.tm_gmtoff)
			return true;
	return false;
}

/* "MM:SS", seconds; -1: it is none. A leap second counts as the one behind it. */
static int in_hour(const char *at)
{
	int minute = two_digits(at), second = two_digits(at + 3);

	return at[2] == ':' && minute >= 0 && minute < 60 && second >= 0 && second <= 60 ? minute * 60 + second : -1;
}

/* "Nov 21 20:38:35" */
static enum rep_stamp read_rfc3164(struct rep_clock *clock, const char *at, const char *end, s64 *time, size_t *used)
{
	int seconds;

	if (end - at < 16 || at[9] != ':' || at[15] != ' ')
		return REP_STAMP_NONE;
	seconds = in_hour(at + 10);
	if (seconds < 0)
		return REP_STAMP_NONE;
	if (!is_remembered(clock, at, 9)) {
		char day[2] = { at[4] == ' ' ? '0' : at[4], at[5] };
		struct civil c = { .month = month_of(at), .day = two_digits(day), .hour = two_digits(at + 7) };

		if (at[3] != ' ' || at[6] != ' ' || !find_year(clock, &c))
			return REP_STAMP_NONE;
		remember(clock, at, 9, naive_seconds(&c));
	}
	*time = local_time(clock, clock->naive + seconds) * SECOND;
	*used = 15;
	return REP_STAMP_SYSLOG;
}

/* ".123456": microseconds; more digits are passed over. */
static const char *read_fraction(const char *at, const char *end, s64 *time)
{
	s64 unit = SECOND / 10;

	if (at == end || *at != '.')
		return at;
	for (at++; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10)
		*time += (*at - '0') * unit;
	return at;
}

/* "Z", "+01:00" or "+0100"; NULL: none of them. */
static const char *read_zone(const char *at, const char *end, s64 *offset)
{
	const char *minutes;
	int hours, rest;

	if (at < end && (*at == 'Z' || *at == 'z')) {
		*offset = 0;
		return at + 1;
	}
	if (end - at < 5 || (*at != '+' && *at != '-'))
		return NULL;
	minutes = at + (at[3] == ':' ? 4 : 3);
	if (end - minutes < 2)
		return NULL;
	hours = two_digits(at + 1);
	rest = two_digits(minutes);
	if (hours < 0 || hours > 23 || rest < 0 || rest > 59)
		return NULL;
	*offset = (hours * 60 + rest) * (*at == '-' ? -60 : 60);
	return minutes + 2;
}

/* The hour of "2026-11-21T20" or with a blank. */
static bool read_date(struct rep_clock *clock, const char *at)
{
	struct civil c = { .year = two_digits(at) * 100 + two_digits(at + 2),
			   .month = two_digits(at + 5),
			   .day = two_digits(at + 8),
			   .hour = two_digits(at + 11) };

	if (two_digits(at + 2) < 0 || at[4] != '-' || at[7] != '-' || c.year < 1970 || !is_valid(&c))
		return false;
	remember(clock, at, REP_CLOCK_KEY, naive_seconds(&c));
	return true;
}

/* "2026-11-21T20:38:35.123456+01:00", or Exim's "2026-11-21 20:38:35.123 +0100", of which only the seconds have to be.
 */
static enum rep_stamp read_rfc3339(struct rep_clock *clock, const char *at, const char *end, s64 *time, size_t *used)
{
	bool exim = at[10] == ' ';
	const char *behind, *zone;
	s64 fraction = 0, offset;
	int seconds;

	if (at[13] != ':')
		return REP_STAMP_NONE;
	seconds = in_hour(at + 14);
	if (seconds < 0)
		return REP_STAMP_NONE;
	behind = read_fraction(at + 19, end, &fraction);
	zone = exim && end - behind > 5 && *behind == ' ' ? read_zone(behind + 1, end, &offset)
	       : !exim                                    ? read_zone(behind, end, &offset)
							  : NULL;
	if (!zone && !exim)
		return REP_STAMP_NONE;
	if ((zone ? zone : behind) == end || *(zone ? zone : behind) != ' ')
		return REP_STAMP_NONE;
	if (!is_remembered(clock, at, REP_CLOCK_KEY) && !read_date(clock, at))
		return REP_STAMP_NONE;
	*time = (zone ? clock->naive + seconds - offset : local_time(clock, clock->naive + seconds)) * SECOND +
		fraction;
	*used = (size_t)((zone ? zone : behind) - at);
	return exim ? REP_STAMP_EXIM : REP_STAMP_SYSLOG;
}

enum rep_stamp rep_stamp_read(struct rep_clock *clock, const char *at, const char *end, s64 *time, size_t *used)
{
	if (end - at > 20 && (at[10] == 'T' || at[10] == ' ') && at[4] == '-')
		return read_rfc3339(clock, at, end, time, used);
	return read_rfc3164(clock, at, end, time, used);
}

void rep_clock_set_reference(struct rep_clock *clock, s64 reference)
{
	clock->reference = reference;
	clock->key_length = 0;
}
