// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The automaton of Aho and Corasick (Communications of the ACM 18, 1975). A node is what the last bytes have in common
 * with the beginning of a text; its row says which node comes next for any byte, so that no byte is looked at twice.
 */
#include "tools/mxrep/search.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

#define ROOT 0

struct rep_search {
	u16 class[256]; /* of each byte: most stand in no text and are all the same, 0 */
	u32 classes, nodes;
	u16 *next; /* [node][class] */
	u16 *ends; /* of a node: itself if a text ends there, else the nearest shorter one of that kind; ROOT: none */
	u16 *rest; /* the same, but never itself */
	u32 *text; /* the first that ends at the node, plus 1 */
	u32 *same; /* of a text: the next of the same bytes, plus 1 */
	u32 *length;
};

static void *zeroed(size_t count, size_t size)
{
	void *room = mx_alloc(count * size + 1);

	return memset(room, 0, count * size + 1);
}

static void sort_bytes(struct rep_search *s, const struct rep_text *texts, u32 count)
{
	s->classes = 1;
	for (u32 i = 0; i < count; i++) {
		for (size_t at = 0; at < texts[i].length; at++) {
			u8 byte = (u8)texts[i].at[at];

			if (!s->class[byte])
				s->class[byte] = (u16)s->classes++;
		}
	}
}

/* Where `byte` leads to from `node`. */
static u16 *step(const struct rep_search *s, u32 node, char byte)
{
	return &s->next[node * s->classes + s->class[(u8)byte]];
}

static void plant(struct rep_search *s, u32 number, struct rep_text text)
{
	u16 node = ROOT;

	for (size_t at = 0; at < text.length; at++) {
		u16 *next = step(s, node, text.at[at]);

		if (*next == ROOT)
			*next = (u16)s->nodes++;
		node = *next;
	}
	s->same[number] = s->text[node];
	s->text[node] = number + 1;
	s->length[number] = (u32)text.length;
}

/* From a node to those behind it: `shorter` is where the same bytes lead to without the first of them. */
static void grow_row(struct rep_search *s, u32 node, u16 *shorter, u16 *queue, u32 *queued)
{
	u16 *row = &s->next[node * s->classes];
	const u16 *other = &s->next[shorter[node] * s->classes];

	for (u32 class = 0; class < s->classes; class ++) {
		u16 child = row[class];

		if (child == ROOT) {
			row[class] = node == ROOT ? ROOT : other[class];
			continue;
		}
		shorter[child] = node == ROOT ? ROOT : other[class];
		s->rest[child] = s->ends[shorter[child]];
		s->ends[child] = s->text[child] ? child : s->rest[child];
		queue[(*queued)++] = child;
	}
}

static void grow(struct rep_search *s)
{
	u16 *shorter = zeroed(s->nodes, sizeof(*shorter)), *queue = zeroed(s->nodes, sizeof(*queue));
	u32 done, queued = 1;

	for (done = 0; done < queued; done++)
		grow_row(s, queue[done], shorter, queue, &queued);
	free(shorter);
	free(queue);
}

struct rep_search *rep_search_new(const struct rep_text *texts, u32 count)
{
	struct rep_search *s;
	size_t bytes = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		if (texts[i].length > REP_SEARCH_MAX - bytes)
			return NULL;
		bytes += texts[i].length;
	}
	s = zeroed(1, sizeof(*s));
	sort_bytes(s, texts, count);
	s->nodes = 1;
	s->next = zeroed((bytes + 1) * s->classes, sizeof(*s->next));
	s->ends = zeroed(bytes + 1, sizeof(*s->ends));
	s->rest = zeroed(bytes + 1, sizeof(*s->rest));
	s->text = zeroed(bytes + 1, sizeof(*s->text));
	s->same = zeroed(count, sizeof(*s->same));
	s->length = zeroed(count, sizeof(*s->length));
	for (i = count; i-- > 0;)
		plant(s, i, texts[i]);
	grow(s);
	return s;
}

void rep_search_free(struct rep_search *search)
{
	if (!search)
		return;
	free(search->next);
	free(search->ends);
	free(search->rest);
	free(search->text);
	free(search->same);
	free(search->length);
	free(search);
}

void rep_search_run(const struct rep_search *search, struct rep_text in, rep_search_told *told, void *context)
{
	u32 node = ROOT;

	for (size_t at = 0; at < in.length; at++) {
		node = *step(search, node, in.at[at]);
		for (u32 end = search->ends[node]; end != ROOT; end = search->rest[end])
			for (u32 text = search->text[end]; text; text = search->same[text - 1])
				told(text - 1, at + 1 - search->length[text - 1], context);
	}
}
