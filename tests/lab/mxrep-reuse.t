#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The truth over connections that are used again, as Postfix does by itself when there is much mail for a host.

LAB_REUSE=1 exec "$(dirname "$0")/mxrep-truth.t"
