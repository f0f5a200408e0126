/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of mxload top: the only part that knows curses. */
#ifndef MX_TOOL_TOP_SCREEN_H
#define MX_TOOL_TOP_SCREEN_H

#include "tools/mxload/top_columns.h"

/* Characters are themselves. */
enum mx_top_key {
	MX_KEY_NONE = -1,
	MX_KEY_UP = 0x110000, /* behind the last character there is */
	MX_KEY_DOWN,
	MX_KEY_PAGE_UP,
	MX_KEY_PAGE_DOWN,
	MX_KEY_HOME,
	MX_KEY_END,
	MX_KEY_RESIZE,
	MX_KEY_ERASE,
	MX_KEY_ENTER,
	MX_KEY_ESCAPE,
	MX_KEY_OTHER,
};

struct mx_top_frame {
	const struct mx_top_summary *summary;
	const struct mx_top_view *view;
	const char *error;       /* why the figures are old, or NULL */
	const char *typed;       /* a filter that is being typed, or NULL */
	const char *const *page; /* text instead of the lanes, up to NULL, or NULL */
	double interval;         /* seconds */
	bool stopped;
	size_t first; /* the line that is on top; drawing keeps it in range */
};

/* Takes the terminal. NULL, or why it cannot. Standard input and output have to be one. */
const char *mx_top_screen_open(void);

/* Gives it back as it was. */
void mx_top_screen_close(void);

/* Returns how many lines of lanes or of the page there is room for. Only these are looked at. */
size_t mx_top_screen_draw(struct mx_top_frame *frame);

/* The next key that was pressed; never waits. */
int mx_top_screen_key(void);

#endif
