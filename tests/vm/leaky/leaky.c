// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * leaky - a module that leaves behind what it is told to, at each load: what with-module must find.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static char *leave = "nothing";
module_param(leave, charp, 0444);
MODULE_PARM_DESC(leave, "nothing, slab (3 MB), area (one page of vmalloc), reference (of itself)");

static int __init leaky_init(void)
{
	int n;

	for (n = 0; !strcmp(leave, "slab") && n < 3 * 1024; n++)
		if (!kmalloc(1024, GFP_KERNEL))
			return -ENOMEM;
	if (!strcmp(leave, "area") && !vmalloc(PAGE_SIZE))
		return -ENOMEM;
	if (!strcmp(leave, "reference"))
		__module_get(THIS_MODULE);
	return 0;
}

static void __exit leaky_exit(void)
{
}

module_init(leaky_init);
module_exit(leaky_exit);
MODULE_DESCRIPTION("leaves behind what it is told to");
MODULE_LICENSE("GPL");
