/* SPDX-License-Identifier: GPL-2.0 */
/* AoE, revision 11, and what the parts of the stand-in for vblade-kernel share. Written for aoe-lab. */
#ifndef VB_H
#define VB_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/if_ether.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>

#define VB_ETH_P_AOE 0x88a2
#define VB_SECTOR 512
#define VB_CONFIG 1024
#define VB_MACS 255

enum { VB_RESPONSE = 8, VB_ERROR = 4, VB_VERSION = 0x10 };
enum { VB_ATA = 0, VB_CFG = 1, VB_MASK = 2, VB_RESERVE = 3 };
enum { VB_E_COMMAND = 1, VB_E_ARGUMENT = 2, VB_E_CONFIG = 4, VB_E_VERSION = 5, VB_E_RESERVED = 6 };

struct vb_header {
	struct ethhdr eth;
	u8 flags;		/* version in the high nibble */
	u8 error;
	__be16 major;
	u8 minor;
	u8 command;
	__be32 tag;
} __packed;

struct vb_ata {
	u8 flags;
	u8 feature;		/* error in an answer */
	u8 count;
	u8 command;		/* status in an answer */
	u8 lba[6];		/* little-endian */
	u8 reserved[2];
} __packed;

struct vb_config {
	__be16 buffers;
	__be16 firmware;
	u8 sectors;
	u8 command;		/* version in the high nibble */
	__be16 length;
} __packed;

struct vb_drive {
	struct kobject kobj;	/* named as the drive */
	struct list_head link;
	struct list_head ports;
	struct file *file;
	loff_t sectors;
	bool gone;
	char path[256];
};

struct vb_macs {
	u8 count;
	u8 mac[VB_MACS][ETH_ALEN];
};

struct vb_port {
	struct list_head link;
	struct vb_drive *drive;
	struct net_device *dev;
	u16 major;
	u8 minor;
	u16 queue;		/* most requests at a time */
	u8 sectors;		/* most in a request */
	atomic_t busy;		/* requests that the block layer has */
	u16 config_length;
	u8 config[VB_CONFIG];
	struct vb_macs masks;	/* who is heard; empty: everybody */
	struct vb_macs holders;	/* who may use the drive; empty: everybody */
};

/* Drives and ports; held while a request is begun. */
extern struct mutex vb_lock;
extern struct list_head vb_drives;

/* vb-wire.c */
int vb_wire_start(void);
void vb_wire_stop(void);
void vb_announce(struct vb_port *port);
void vb_send(struct sk_buff *skb);
void vb_fail(struct sk_buff *answer, u8 error, unsigned int length);
void vb_forget_answers(struct net_device *dev);
u8 vb_frame_sectors(const struct vb_port *port);

/* vb-ata.c: takes the answer, sends it now or when the device is done. */
void vb_ata(struct vb_port *port, struct sk_buff *answer, unsigned int request_length);

/* vb-lists.c: the same. */
void vb_mask_list(struct vb_port *port, struct sk_buff *answer, unsigned int request_length);
void vb_reserve(struct vb_port *port, struct sk_buff *answer, unsigned int request_length);
bool vb_lists(const struct vb_macs *macs, const u8 *mac);

/* vb-main.c */
void vb_remove_port(struct vb_port *port);

#endif
