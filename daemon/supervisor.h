/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who started the daemon and wants to hear of it: systemd, or whoever else understands sd_notify(3). Its protocol is a
 * datagram to the socket in $NOTIFY_SOCKET. Without one nobody is told anything.
 */
#ifndef MX_DAEMON_SUPERVISOR_H
#define MX_DAEMON_SUPERVISOR_H

#include "core/port.h"

/* Mail is decided for; and one line about what is so. */
void mx_supervisor_ready(const char *status);

/* The daemon leaves in order. */
void mx_supervisor_leaving(void);

/* To be called often: whoever watches is told, four times in the period that he gives, that the daemon lives. */
void mx_supervisor_alive(void);

#endif
