// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read out of a message of the kernel's queue. */
#include "tests/unit/build.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "daemon/queued.h"

#define SYN                                                                                                            \
	"\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00\x0a\x00\x00\x01\xc6\x33\x64\x07"                             \
	"\x9c\x40\x00\x19\x12\x34\x56\x78\x00\x00\x00\x00\x50\x02\x00\x00\x00\x00\x00\x00"

static char buffer[512];

static struct nlmsghdr *message(bool with_header)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buffer, NFQNL_MSG_PACKET, 250);
	struct nfqnl_msg_packet_hdr header = { .packet_id = htonl(0xa0000007) };

	if (with_header)
		mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(header), &header);
	return nlh;
}

static void test_whole(void **state)
{
	struct nlmsghdr *nlh = message(true);
	struct mx_queued q;

	(void)state;
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(0x10002));
	mnl_attr_put_u32(nlh, NFQA_UID, htonl(1000));
	mnl_attr_put_u32(nlh, NFQA_GID, htonl(8));
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(SYN) - 1, SYN);
	assert_true(mx_queued_read(nlh, &q));
	assert_int_equal(q.id, 0xa0000007);
	assert_true(q.is_syn);
	assert_int_equal(q.sequence, 0x12345678);
	assert_int_equal(q.flow.mark, 0x10002);
	assert_int_equal(q.flow.user, 1000);
	assert_int_equal(q.flow.group, 8);
	assert_true(q.flow.family == MX_IPV4 && q.flow.from.lo == 0x0a000001 && q.flow.to.lo == 0xc6336407);
	assert_true(q.flow.from_port == 40000 && q.flow.to_port == 25);
}

/* A forwarded packet has no owner, and one that nobody marked no mark. */
static void test_owner_unknown(void **state)
{
	struct nlmsghdr *nlh = message(true);
	struct mx_queued q;

	(void)state;
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(SYN) - 1, SYN);
	assert_true(mx_queued_read(nlh, &q));
	assert_true(q.is_syn && !q.flow.mark && q.flow.user == MX_NO_ID && q.flow.group == MX_NO_ID);
}

/* What cannot be read has to be answered all the same: it has a number. */
static void test_unreadable(void **state)
{
	struct nlmsghdr *nlh = message(true);
	struct mx_queued q;

	(void)state;
	assert_true(mx_queued_read(nlh, &q));
	assert_true(!q.is_syn && q.id == 0xa0000007);
	mnl_attr_put(nlh, NFQA_PAYLOAD, 21, SYN);
	assert_true(mx_queued_read(nlh, &q));
	assert_true(!q.is_syn && q.id == 0xa0000007);
}

static void test_no_packet(void **state)
{
	struct nlmsghdr *nlh = message(false);
	struct mx_queued q;

	(void)state;
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(SYN) - 1, SYN);
	assert_false(mx_queued_read(nlh, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_owner_unknown),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
