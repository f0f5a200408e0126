/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libFuzzer calls, and replay.c where there is no libFuzzer. It aborts when something that must hold does not. */
#ifndef MX_FUZZ_TARGET_H
#define MX_FUZZ_TARGET_H

#include "core/port.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length);

#endif
