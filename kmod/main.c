// SPDX-License-Identifier: GPL-2.0-or-later
/* mxload.ko: the decision without the way to user space. It holds no policy until it is given one. */
#include <linux/module.h>
#include <net/genetlink.h>

#include "kmod/namespace.h"
#include "kmod/protocol.h"

static int __init start(void)
{
	int error = mxload_namespaces_start();

	if (error)
		return error;
	error = mxload_protocol_start();
	if (error)
		mxload_namespaces_stop();
	return error;
}

static void __exit stop(void)
{
	mxload_protocol_stop();
	mxload_namespaces_stop();
}

module_init(start);
module_exit(stop);

MODULE_DESCRIPTION("Chooses the source address of new SMTP connections");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY("mxload");
