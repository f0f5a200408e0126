// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/warmup.h"

static void begin_day(struct mx_warmup *w, u16 day)
{
	w->day = day;
	w->began = 0;
	w->sent = 0;
	w->peak = 0;
}

void mx_warmup_advance(struct mx_warmup *w, const struct mx_ramp *ramp, u64 now)
{
	u32 reached;

	if (w->last && now > w->last && now - w->last >= MX_WARMUP_IDLE) {
		begin_day(w, 0);
		w->last = 0;
	}
	if (w->day >= ramp->count || !w->began || now < w->began + MX_WARMUP_DAY)
		return;
	reached = ramp->hourly ? w->peak : w->sent;
	begin_day(w, !w->held && reached >= (ramp->caps[w->day] + 1) / 2 ? w->day + 1 : w->day);
}

u32 mx_warmup_cap(const struct mx_warmup *w, const struct mx_ramp *ramp)
{
	return w->day < ramp->count ? ramp->caps[w->day] : 0;
}

u64 mx_warmup_day_ends(const struct mx_warmup *w)
{
	return w->began ? w->began + MX_WARMUP_DAY : MX_NEVER;
}

u64 mx_warmup_next(const struct mx_warmup *w, const struct mx_ramp *ramp)
{
	if (w->began && w->day < ramp->count)
		return w->began + MX_WARMUP_DAY;
	return w->last ? w->last + MX_WARMUP_IDLE : MX_NEVER;
}

static void count(struct mx_warmup *w, u32 n, u32 hour)
{
	w->sent = n < ~0u - w->sent ? w->sent + n : ~0u;
	if (hour > w->peak)
		w->peak = hour;
}

void mx_warmup_charge(struct mx_warmup *w, u64 now, u32 n, u32 hour)
{
	if (!w->began)
		w->began = now ? now : 1;
	w->last = now ? now : 1;
	count(w, n, hour);
}

void mx_warmup_settle(struct mx_warmup *w, u64 then, u32 n, u32 hour)
{
	if (w->began && then >= w->began)
		count(w, n, hour);
}

void mx_warmup_return(struct mx_warmup *w, u64 then, u32 n)
{
	if (w->began && then >= w->began)
		w->sent -= n < w->sent ? n : w->sent;
}

void mx_warmup_steer(struct mx_warmup *w, const struct mx_ramp *ramp, enum mx_warmup_step step)
{
	switch (step) {
	case MX_WARMUP_START:
		begin_day(w, 0);
		w->held = false;
		break;
	case MX_WARMUP_HOLD:
	case MX_WARMUP_RESUME:
		w->held = step == MX_WARMUP_HOLD;
		break;
	case MX_WARMUP_BACK: /* what was sent today counts under the smaller cap too */
		if (w->day >= ramp->count)
			w->day = (u16)ramp->count;
		if (w->day)
			w->day--;
		break;
	case MX_WARMUP_FINISH:
		w->day = (u16)ramp->count;
		w->held = false;
		break;
	}
}
