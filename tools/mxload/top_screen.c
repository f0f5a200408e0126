// SPDX-License-Identifier: GPL-2.0-or-later
#define NCURSES_WIDECHAR 1
#include "tools/mxload/top_screen.h"

#include <curses.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define LINE_MAX_WIDE 512 /* columns of a line that are written at most */
#define ITEMS_MAX 16

enum { PLAIN, GOOD, NOTE, WARN, BAD };

static SCREEN *screen;
static bool coloured;

/* --- the terminal ----------------------------------------------------------------------------------------------- */

static bool wants_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return !no || !*no;
}

static void open_colours(void)
{
	coloured = wants_colours() && has_colors() && start_color() == OK && use_default_colors() == OK;
	if (!coloured)
		return;
	init_pair(GOOD, COLOR_GREEN, -1);
	init_pair(NOTE, COLOR_CYAN, -1);
	init_pair(WARN, COLOR_YELLOW, -1);
	init_pair(BAD, COLOR_RED, -1);
}

const char *mx_top_screen_open(void)
{
	setlocale(LC_CTYPE, "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return "the terminal is of no known kind: expected another TERM";
	set_term(screen);
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	open_colours();
	return NULL;
}

void mx_top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

int mx_top_screen_key(void)
{
	wint_t key;
	int what = get_wch(&key);

	if (what == ERR)
		return MX_KEY_NONE;
	if (what == OK)
		return key == '\r' || key == '\n'   ? (int)MX_KEY_ENTER
		       : key == 0x1b                ? (int)MX_KEY_ESCAPE
		       : key == 0x7f || key == '\b' ? (int)MX_KEY_ERASE
						    : (int)key;
	switch (key) {
	case KEY_UP:
		return MX_KEY_UP;
	case KEY_DOWN:
		return MX_KEY_DOWN;
	case KEY_PPAGE:
		return MX_KEY_PAGE_UP;
	case KEY_NPAGE:
		return MX_KEY_PAGE_DOWN;
	case KEY_HOME:
		return MX_KEY_HOME;
	case KEY_END:
		return MX_KEY_END;
	case KEY_RESIZE:
		return MX_KEY_RESIZE;
	case KEY_BACKSPACE:
		return MX_KEY_ERASE;
	case KEY_ENTER:
		return MX_KEY_ENTER;
	default:
		return MX_KEY_OTHER;
	}
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static attr_t attributes(int kind)
{
	return (coloured ? (attr_t)COLOR_PAIR(kind) : 0) | (kind >= WARN ? A_BOLD : A_NORMAL);
}

/*
 * Writes what of `text` has room in `width` columns, `~` at the end of what has not. What the locale cannot show is
 * a question mark. Returns the columns that were used.
 */
static int put(int y, int x, int width, const char *text)
{
	wchar_t wide[LINE_MAX_WIDE];
	mbstate_t state = { 0 };
	size_t left = strlen(text);
	int n = 0, used = 0, room = width < COLS - x ? width : COLS - x;

	while (left && n < LINE_MAX_WIDE - 1) {
		size_t length = mbrtowc(&wide[n], text, left, &state);
		int columns;

		if (length == (size_t)-1 || length == (size_t)-2 || !iswprint((wint_t)wide[n])) {
			state = (mbstate_t){ 0 };
			wide[n] = L'?';
			length = length > left ? 1 : length;
		}
		columns = wcwidth(wide[n]);
		if (used + columns > room) {
			while (n && used + 1 > room)
				used -= wcwidth(wide[--n]);
			if (room > 0) {
				wide[n++] = L'~';
				used++;
			}
			break;
		}
		used += columns;
		text += length;
		left -= length;
		n++;
	}
	if (n && y >= 0 && y < LINES)
		mvaddnwstr(y, x, wide, n);
	return used;
}

static void put_cell(int y, const struct mx_top_layout *l, enum mx_top_column column, const char *text)
{
	int length = (int)strlen(text), width = l->width[column];
	int pad = mx_top_is_number(column) && length < width ? width - length : 0;

	put(y, l->x[column] + pad, width - pad, text);
}

/* --- above the lanes -------------------------------------------------------------------------------------------- */

struct items {
	struct {
		char text[48];
		int kind;
	} item[ITEMS_MAX];
	int count;
};

static void item(struct items *items, int kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void item(struct items *items, int kind, const char *format, ...)
{
	va_list args;

	items->item[items->count].kind = kind;
	va_start(args, format);
	vsnprintf(items->item[items->count].text, sizeof(items->item[0].text), format, args);
	va_end(args);
	items->count++;
}

static void fill_items(struct items *items, const struct mx_top_frame *f)
{
	const struct mx_top_summary *s = f->summary;
	size_t warnings = json_array_size(s->warnings);
	char up[32];

	mx_top_duration(s->uptime, up, sizeof(up));
	item(items, PLAIN, "engine %s", s->engine);
	item(items, strcmp(s->mode, "enforce") ? WARN : PLAIN, "mode %s", s->mode);
	item(items, PLAIN, "up %s", up);
	item(items, PLAIN, "rate %.1f/min", s->rate);
	item(items, s->held ? NOTE : PLAIN, "held %lld (%lld)", s->held, s->held_ever);
	item(items, PLAIN, "refused %lld", s->refused);
	item(items, s->guarded ? WARN : PLAIN, "guarded %lld", s->guarded);
	item(items, PLAIN, "queue %lld", s->waiting);
	item(items, warnings ? BAD : PLAIN, "warnings %zu", warnings);
	item(items, PLAIN, "every %gs", f->interval);
}

/* As many lines as they need, but never more than half of the screen. Returns how many. */
static int draw_items(const struct items *items)
{
	int i, x = 0, y = 0;

	for (i = 0; i < items->count; i++) {
		const char *text = items->item[i].text;
		int length = (int)strlen(text);

		if (x && x + 2 + length > COLS) {
			x = 0;
			y++;
		}
		if (y && y >= LINES / 2 - 1)
			return y;
		x += x ? 2 : 0;
		attrset(attributes(items->item[i].kind));
		x += put(y, x, COLS - x, text);
	}
	return y + 1;
}

static void draw_headings(int y, const struct mx_top_view *v, const struct mx_top_layout *l)
{
	int i;

	attrset(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	for (i = 0; i < MX_TOP_COLUMNS; i++) {
		if (!l->width[i])
			continue;
		attrset(A_REVERSE | (v->sort == (enum mx_top_column)i ? A_BOLD | A_UNDERLINE : 0));
		put_cell(y, l, i, mx_top_heading(i));
	}
}

/* --- lanes ------------------------------------------------------------------------------------------------------ */

static int kind_of_state(enum mx_top_state state)
{
	switch (state) {
	case MX_TOP_ACTIVE:
		return GOOD;
	case MX_TOP_WARMING:
		return NOTE;
	case MX_TOP_OFF:
		return PLAIN;
	case MX_TOP_FULL:
	case MX_TOP_BACKING_OFF:
	case MX_TOP_DRAINING:
		return WARN;
	default:
		return BAD;
	}
}

static int kind_of_cell(const struct mx_top_row *row, enum mx_top_column column)
{
	if (column == MX_TOP_STATE)
		return kind_of_state(row->state);
	if (column == MX_TOP_LIMIT)
		return mx_top_fullness(&row->limit) >= 1 ? BAD : mx_top_fullness(&row->limit) >= 0.8 ? WARN : PLAIN;
	return column == MX_TOP_FAILED && row->failed ? NOTE : PLAIN;
}

static void draw_row(int y, const struct mx_top_row *row, const struct mx_top_layout *l)
{
	char text[MX_TOP_CELL];
	int i;

	for (i = 0; i < MX_TOP_COLUMNS; i++) {
		if (!l->width[i])
			continue;
		mx_top_cell(row, i, l, text);
		attrset(attributes(kind_of_cell(row, i)));
		put_cell(y, l, i, text);
	}
}

/* --- below them ------------------------------------------------------------------------------------------------- */

static const char *group_name(enum mx_top_group group)
{
	return group == MX_TOP_BY_LANE ? "lanes" : group == MX_TOP_BY_SOURCE ? "sources" : "providers";
}

static void draw_foot(const struct mx_top_frame *f, size_t lines, size_t shown)
{
	const struct mx_top_view *v = f->view;
	char text[LINE_MAX_WIDE];

	if (f->typed) {
		snprintf(text, sizeof(text), "filter: %s_", f->typed);
		attrset(A_BOLD);
	} else if (f->error) {
		snprintf(text, sizeof(text), "%s: trying again", f->error);
		attrset(attributes(BAD) | A_REVERSE);
	} else {
		size_t last = f->first + shown < lines ? f->first + shown : lines;

		snprintf(text, sizeof(text), "%zu-%zu of %zu %s%s%s%s%s%s  h help  q quit", lines ? f->first + 1 : 0,
			 last, lines, f->page ? "lines" : group_name(v->group), v->busy ? ", busy" : "",
			 *v->filter ? ", with " : "", v->filter, f->stopped ? ", STOPPED" : "",
			 v->reverse ? ", reversed" : "");
		attrset(A_REVERSE);
	}
	if (!f->typed)
		mvhline(LINES - 1, 0, ' ', COLS);
	put(LINES - 1, 0, COLS, text);
}

static size_t count_lines(const char *const *page)
{
	size_t n = 0;

	while (page[n])
		n++;
	return n;
}

size_t mx_top_screen_draw(struct mx_top_frame *f)
{
	const struct mx_top_view *v = f->view;
	struct mx_top_layout layout = mx_top_layout(v, COLS);
	struct items items = { .count = 0 };
	size_t lines, room, i;
	int top;

	erase();
	fill_items(&items, f);
	top = draw_items(&items);
	if (!f->page)
		draw_headings(top++, v, &layout);
	lines = f->page ? count_lines(f->page) : v->count;
	room = LINES - 1 > top ? (size_t)(LINES - 1 - top) : 1;
	if (f->first + room > lines)
		f->first = lines > room ? lines - room : 0;
	for (i = 0; i < room && f->first + i < lines; i++) {
		attrset(A_NORMAL);
		if (f->page)
			put(top + (int)i, 0, COLS, f->page[f->first + i]);
		else
			draw_row(top + (int)i, v->rows[f->first + i], &layout);
	}
	draw_foot(f, lines, room);
	refresh();
	return room;
}
