// SPDX-License-Identifier: GPL-2.0
/* Frames of the stand-in for vblade-kernel: in, to the ports they are for, and out. Written for aoe-lab. */
#include <linux/ata.h>
#include <linux/etherdevice.h>
#include "vb.h"

/* Requests that wait; what comes beyond them is lost, as on a wire. */
#define MOST_WAITING 1024

static struct sk_buff_head requests, answers;
static struct workqueue_struct *worker;
static struct work_struct work;

/* At least what a plain Ethernet frame holds, so that identify and a configuration string always fit. */
static unsigned int frame_length(const struct net_device *dev)
{
	return max_t(unsigned int, ETH_HLEN + dev->mtu, ETH_FRAME_LEN);
}

u8 vb_frame_sectors(const struct vb_port *port)
{
	unsigned int head = sizeof(struct vb_header) + sizeof(struct vb_ata);

	return min_t(unsigned int, (ETH_HLEN + port->dev->mtu - head) / VB_SECTOR, 255);
}

/* A cleared frame; the data of an ATA command begins at a multiple of 512, as block devices want it. */
static struct sk_buff *new_frame(struct net_device *dev)
{
	unsigned int length = frame_length(dev);
	struct sk_buff *skb = alloc_skb(length + VB_SECTOR, GFP_NOIO);

	if (!skb)
		return NULL;
	skb_reserve(skb, -((unsigned long)skb->data + sizeof(struct vb_header) + sizeof(struct vb_ata)) &
			 (VB_SECTOR - 1));
	skb_put_zero(skb, length);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb->dev = dev;
	skb->protocol = htons(VB_ETH_P_AOE);
	return skb;
}

/* Called from interrupts too: the worker puts it on the wire. */
void vb_send(struct sk_buff *skb)
{
	/* Virtual interfaces pad nothing, and aoetools overlook short answers. */
	if (skb->len < ETH_ZLEN)
		skb_put_zero(skb, ETH_ZLEN - skb->len);
	skb_queue_tail(&answers, skb);
	queue_work(worker, &work);
}

/* Drops the answers that wait for an interface; vb_lock is held. */
void vb_forget_answers(struct net_device *dev)
{
	struct sk_buff *skb, *next;
	unsigned long flags;

	spin_lock_irqsave(&answers.lock, flags);
	skb_queue_walk_safe(&answers, skb, next)
		if (skb->dev == dev) {
			__skb_unlink(skb, &answers);
			dev_kfree_skb_any(skb);
		}
	spin_unlock_irqrestore(&answers.lock, flags);
}

static void fill_header(struct vb_port *port, struct vb_header *header)
{
	ether_addr_copy(header->eth.h_source, port->dev->dev_addr);
	header->eth.h_proto = htons(VB_ETH_P_AOE);
	header->flags = VB_VERSION | VB_RESPONSE;
	header->error = 0;
	header->major = cpu_to_be16(port->major);
	header->minor = port->minor;
}

/* @return length of the frame */
static unsigned int fill_config(struct vb_port *port, struct vb_config *config)
{
	config->buffers = cpu_to_be16(port->queue);
	config->firmware = cpu_to_be16(1);
	config->sectors = min(port->sectors, vb_frame_sectors(port));
	config->command = VB_VERSION | (config->command & 0x0f);
	config->length = cpu_to_be16(port->config_length);
	memcpy(config + 1, port->config, port->config_length);
	return sizeof(struct vb_header) + sizeof(*config) + port->config_length;
}

void vb_announce(struct vb_port *port)
{
	struct sk_buff *skb = new_frame(port->dev);
	struct vb_header *header;

	if (!skb)
		return;
	header = (struct vb_header *)skb->data;
	eth_broadcast_addr(header->eth.h_dest);
	fill_header(port, header);
	header->command = VB_CFG;
	skb_trim(skb, fill_config(port, (struct vb_config *)(header + 1)));
	vb_send(skb);
}

void vb_fail(struct sk_buff *answer, u8 error, unsigned int length)
{
	struct vb_header *header = (struct vb_header *)answer->data;

	header->flags |= VB_ERROR;
	header->error = error;
	skb_trim(answer, length);
	vb_send(answer);
}

/*
 * What changes something is done for requests that name this station, shelf and slot, not for those to all; aoecfg sets
 * the configuration string of one shelf and slot by broadcast.
 */
static bool is_for_all(const struct vb_port *port, const struct vb_header *asked)
{
	if (asked->major == cpu_to_be16(0xffff) || asked->minor == 0xff)
		return true;
	return asked->command != VB_CFG && !ether_addr_equal(asked->eth.h_dest, port->dev->dev_addr);
}

static bool would_change(const struct sk_buff *request)
{
	const struct vb_header *header = (const struct vb_header *)request->data;
	const u8 *body = (const u8 *)(header + 1);
	unsigned int length = request->len - sizeof(*header);

	switch (header->command) {
	case VB_ATA:
		return length >= sizeof(struct vb_ata) && (body[3] == ATA_CMD_PIO_WRITE || body[3] == ATA_CMD_PIO_WRITE_EXT);
	case VB_CFG:
		return length >= sizeof(struct vb_config) && (body[5] & 0x0f) >= 3;
	case VB_MASK:
		return length >= 2 && body[1] != 0;
	case VB_RESERVE:
		return length >= 1 && body[0] != 0;
	default:
		return false;
	}
}

static void config(struct vb_port *port, struct sk_buff *answer, unsigned int request_length)
{
	struct vb_config *config = (struct vb_config *)(answer->data + sizeof(struct vb_header));
	unsigned int head = sizeof(struct vb_header) + sizeof(*config);
	unsigned int length = be16_to_cpu(config->length);
	u8 command = config->command & 0x0f;
	bool whole = length <= VB_CONFIG && head + length <= request_length;
	bool prefix = whole && length <= port->config_length && !memcmp(config + 1, port->config, length);
	bool equal = prefix && length == port->config_length;

	switch (command) {
	case 0:
		break;
	case 1:
	case 2:
		if (command == 1 ? equal : prefix)
			break;
		kfree_skb(answer);
		return;
	case 3:
	case 4:
		if (!whole)
			return vb_fail(answer, VB_E_ARGUMENT, head);
		if (command == 3 && port->config_length > 0 && !equal)
			return vb_fail(answer, VB_E_CONFIG, fill_config(port, config));
		memcpy(port->config, config + 1, length);
		port->config_length = length;
		break;
	default:
		return vb_fail(answer, VB_E_ARGUMENT, head);
	}
	skb_trim(answer, fill_config(port, config));
	vb_send(answer);
}

static void answer_for(struct vb_port *port, const struct sk_buff *request)
{
	const struct vb_header *asked = (const struct vb_header *)request->data;
	struct sk_buff *answer;
	struct vb_header *header;

	if (request->len > frame_length(port->dev) || !vb_lists(&port->masks, asked->eth.h_source))
		return;
	if (is_for_all(port, asked) && would_change(request))
		return;
	answer = new_frame(port->dev);
	if (!answer)
		return;
	header = (struct vb_header *)answer->data;
	memcpy(header, asked, request->len);
	ether_addr_copy(header->eth.h_dest, asked->eth.h_source);
	fill_header(port, header);
	if ((asked->flags & 0xf0) != VB_VERSION)
		vb_fail(answer, VB_E_VERSION, max_t(unsigned int, request->len, ETH_ZLEN));
	else if (asked->command == VB_ATA && !vb_lists(&port->holders, asked->eth.h_source))
		vb_fail(answer, VB_E_RESERVED, sizeof(*header) + sizeof(struct vb_ata));
	else if (asked->command == VB_ATA)
		vb_ata(port, answer, request->len);
	else if (asked->command == VB_CFG)
		config(port, answer, request->len);
	else if (asked->command == VB_MASK)
		vb_mask_list(port, answer, request->len);
	else if (asked->command == VB_RESERVE)
		vb_reserve(port, answer, request->len);
	else
		vb_fail(answer, VB_E_COMMAND, max_t(unsigned int, request->len, ETH_ZLEN));
}

static void answer_request(const struct sk_buff *request)
{
	const struct vb_header *header = (const struct vb_header *)request->data;
	u16 major = be16_to_cpu(header->major);
	struct vb_drive *drive;
	struct vb_port *port;

	list_for_each_entry(drive, &vb_drives, link)
		list_for_each_entry(port, &drive->ports, link)
			if (port->dev == request->dev && (major == 0xffff || major == port->major) &&
			    (header->minor == 0xff || header->minor == port->minor))
				answer_for(port, request);
}

static void do_work(struct work_struct *unused)
{
	struct sk_buff *request, *answer;

	do {
		mutex_lock(&vb_lock);
		request = skb_dequeue(&requests);
		if (request)
			answer_request(request);
		answer = skb_dequeue(&answers);
		if (answer)
			dev_queue_xmit(answer);
		mutex_unlock(&vb_lock);
		kfree_skb(request);
		cond_resched();
	} while (request || answer);
}

static int receive(struct sk_buff *skb, struct net_device *dev, struct packet_type *type,
		   struct net_device *original)
{
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NET_RX_DROP;
	if (skb->pkt_type == PACKET_OTHERHOST || skb_linearize(skb) < 0)
		goto drop;
	skb_push(skb, ETH_HLEN);
	if (skb->len < sizeof(struct vb_header) ||
	    (((struct vb_header *)skb->data)->flags & VB_RESPONSE) || skb_queue_len(&requests) >= MOST_WAITING)
		goto drop;
	skb_queue_tail(&requests, skb);
	queue_work(worker, &work);
	return NET_RX_SUCCESS;
drop:
	kfree_skb(skb);
	return NET_RX_DROP;
}

static struct packet_type packets = {
	.type = htons(VB_ETH_P_AOE),
	.func = receive,
};

int vb_wire_start(void)
{
	skb_queue_head_init(&requests);
	skb_queue_head_init(&answers);
	INIT_WORK(&work, do_work);
	worker = alloc_ordered_workqueue("vblade", WQ_MEM_RECLAIM | WQ_HIGHPRI);
	if (!worker)
		return -ENOMEM;
	dev_add_pack(&packets);
	return 0;
}

/* All ports are gone. */
void vb_wire_stop(void)
{
	dev_remove_pack(&packets);
	destroy_workqueue(worker);
	skb_queue_purge(&requests);
	skb_queue_purge(&answers);
}
