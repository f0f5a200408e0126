// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz target: the bytes are a packet from its IP header on. What it is said to carry has to lie within. */
#include <stdlib.h>

#include "daemon/datagram.h"
#include "daemon/packet.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	struct mx_datagram datagram;
	struct mx_flow flow;
	volatile u8 sum = 0;
	u32 sequence;
	size_t i;

	if (mx_datagram_parse(bytes, length, &datagram)) {
		if (datagram.data < bytes + 28 || datagram.length > (size_t)(bytes + length - datagram.data))
			abort();
		if (datagram.family == MX_IPV4 && (datagram.from.hi || datagram.to.hi))
			abort();
		for (i = 0; i < datagram.length; i++) /* ASan looks at each */
			sum += datagram.data[i];
		if (mx_packet_parse(bytes, length, &flow, &sequence)) /* it is one or the other */
			abort();
	} else {
		mx_packet_parse(bytes, length, &flow, &sequence);
	}
	return 0;
}
