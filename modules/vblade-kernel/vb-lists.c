// SPDX-License-Identifier: GPL-2.0
/* Who is served: MAC mask lists and reservations of the stand-in for vblade-kernel. Written for aoe-lab. */
#include <linux/etherdevice.h>
#include "vb.h"

enum { MASK_READ = 0, MASK_EDIT = 1 };			/* of a mask list */
enum { NO_CHANGE = 0, ADD = 1, DELETE = 2 };		/* directives */
enum { BAD_DIRECTIVE = 2, LIST_FULL = 3 };		/* errors of a mask list */
enum { HOLDERS = 0, SET = 1, FORCE_SET = 2 };		/* of a reservation */

struct mask_list {
	u8 reserved;
	u8 command;
	u8 error;
	u8 count;
} __packed;

struct directive {
	u8 reserved;
	u8 command;
	u8 mac[ETH_ALEN];
} __packed;

struct reservation {
	u8 command;
	u8 count;
} __packed;

/* @return its place, or the count */
static unsigned int find(const struct vb_macs *macs, const u8 *mac)
{
	unsigned int i;

	for (i = 0; i < macs->count; i++)
		if (ether_addr_equal_unaligned(macs->mac[i], mac))
			break;
	return i;
}

/* An empty list is one of everybody. */
bool vb_lists(const struct vb_macs *macs, const u8 *mac)
{
	return macs->count == 0 || find(macs, mac) < macs->count;
}

static bool add(struct vb_macs *macs, const u8 *mac, unsigned int most)
{
	if (find(macs, mac) < macs->count)
		return true;
	if (macs->count >= most)
		return false;
	memcpy(macs->mac[macs->count++], mac, ETH_ALEN);
	return true;
}

static void delete(struct vb_macs *macs, const u8 *mac)
{
	unsigned int i = find(macs, mac);

	if (i == macs->count)
		return;
	macs->count--;
	memmove(macs->mac[i], macs->mac[i + 1], (macs->count - i) * ETH_ALEN);
}

/* @return an error of the mask list, or 0 */
static u8 carry_out(struct vb_macs *macs, const struct directive *directive, unsigned int most)
{
	switch (directive->command) {
	case NO_CHANGE:
		return 0;
	case ADD:
		return add(macs, directive->mac, most) ? 0 : LIST_FULL;
	case DELETE:
		delete(macs, directive->mac);
		return 0;
	default:
		return BAD_DIRECTIVE;
	}
}

/* Directives are carried out in their order, up to the first that can't be; the answer repeats those that were, or lists all. */
void vb_mask_list(struct vb_port *port, struct sk_buff *answer, unsigned int request_length)
{
	struct mask_list *list = (struct mask_list *)(answer->data + sizeof(struct vb_header));
	struct directive *directives = (struct directive *)(list + 1);
	unsigned int head = sizeof(struct vb_header) + sizeof(*list);
	unsigned int most = min_t(unsigned int, (answer->len - head) / sizeof(*directives), VB_MACS);
	unsigned int i = 0;

	if (list->command > MASK_EDIT ||
	    (list->command == MASK_EDIT && head + list->count * sizeof(*directives) > request_length))
		return vb_fail(answer, VB_E_ARGUMENT, head);
	list->reserved = 0;
	list->error = 0;
	if (list->command == MASK_EDIT)
		while (i < list->count && !(list->error = carry_out(&port->masks, &directives[i], most)))
			i++;
	if (!list->error)
		for (i = 0; i < min_t(unsigned int, port->masks.count, most); i++) {
			directives[i].command = NO_CHANGE;
			memcpy(directives[i].mac, port->masks.mac[i], ETH_ALEN);
		}
	list->count = i;
	while (i-- > 0)
		directives[i].reserved = 0;
	skb_trim(answer, head + list->count * sizeof(*directives));
	vb_send(answer);
}

/* Every answer lists who holds the target now. */
void vb_reserve(struct vb_port *port, struct sk_buff *answer, unsigned int request_length)
{
	struct vb_header *header = (struct vb_header *)answer->data;
	struct reservation *reservation = (struct reservation *)(header + 1);
	u8 (*macs)[ETH_ALEN] = (u8 (*)[ETH_ALEN])(reservation + 1);
	unsigned int head = sizeof(*header) + sizeof(*reservation);
	struct vb_macs *holders = &port->holders;
	unsigned int i;

	if (reservation->command > FORCE_SET ||
	    (reservation->command != HOLDERS && head + reservation->count * ETH_ALEN > request_length))
		return vb_fail(answer, VB_E_ARGUMENT, head);
	/* The answer goes to whoever asked. */
	if (reservation->command == SET && !vb_lists(holders, header->eth.h_dest)) {
		header->flags |= VB_ERROR;
		header->error = VB_E_RESERVED;
	} else if (reservation->command != HOLDERS) {
		holders->count = 0;
		for (i = 0; i < reservation->count; i++)
			add(holders, macs[i], VB_MACS);
	}
	reservation->count = min_t(unsigned int, holders->count, (answer->len - head) / ETH_ALEN);
	memcpy(macs, holders->mac, reservation->count * ETH_ALEN);
	skb_trim(answer, head + reservation->count * ETH_ALEN);
	vb_send(answer);
}
