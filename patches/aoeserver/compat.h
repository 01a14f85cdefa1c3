/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What aoeserver calls, on Linux 5.10 and later. Each kernel interface that changed since 2007 is named here once, with
 * the version in which it changed. Written for aoe-lab.
 */
#ifndef AOESERVER_COMPAT_H
#define AOESERVER_COMPAT_H

#include <linux/ata.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "these patches are for Linux 5.10 and later"
#endif

/* 2.6.22: mac_header is a pointer on 32 bits and an offset on 64; a function gives the pointer. */
static inline struct aoe_hdr *aoe_frame(const struct sk_buff *skb)
{
	return (struct aoe_hdr *)skb_mac_header(skb);
}

/* 2.6.31: linux/hdreg.h keeps the commands of drives for programs; linux/ata.h has them under other names. */
#define WIN_READ ATA_CMD_PIO_READ
#define WIN_READ_EXT ATA_CMD_PIO_READ_EXT
#define WIN_WRITE ATA_CMD_PIO_WRITE
#define WIN_WRITE_EXT ATA_CMD_PIO_WRITE_EXT
#define WIN_IDENTIFY ATA_CMD_ID_ATA
#define ERR_STAT ATA_ERR
#define READY_STAT ATA_DRDY
#define ABRT_ERR ATA_ABORTED

/* 2.6.31: hd_driveid likewise. The words of IDENTIFY DEVICE that are filled in here, by their numbers in ATA-8 ACS. */
struct hd_driveid {
	__le16 words_0_9[10];
	unsigned char serial_no[20];	/* 10 to 19 */
	__le16 words_20_26[7];
	unsigned char model[40];	/* 27 to 46 */
	__le16 words_47_48[2];
	unsigned char vendor3;		/* 49, its low byte */
	unsigned char capability;	/* 49, its high byte */
	__le16 words_50_53[4];
	__le16 cur_cyls;		/* 54 */
	__le16 cur_heads;		/* 55 */
	__le16 cur_sectors;		/* 56 */
	__le16 words_57_59[3];
	__le32 lba_capacity;		/* 60 and 61 */
	__le16 words_62_82[21];
	__le16 command_set_2;		/* 83 */
	__le16 words_84_85[2];
	__le16 cfs_enable_2;		/* 86 */
	__le16 words_87_99[13];
	__le64 lba_capacity_2;		/* 100 to 103 */
	__le16 words_104_255[152];
} __packed;
static_assert(sizeof(struct hd_driveid) == 512);

/* 2.6.39: a lock is initialised by a function, RW_LOCK_UNLOCKED went. */
#define INIT_ACL_LOCK(abd) rwlock_init(&(abd)->acl_lock)

/* 4.1: do_sync_read and do_sync_write went. 4.14: kernel_read and kernel_write take the position by its address. */
static inline ssize_t file_read(struct file *fp, void *buffer, size_t count, loff_t *pos)
{
	return kernel_read(fp, buffer, count, pos);
}

static inline ssize_t file_write(struct file *fp, const void *buffer, size_t count, loff_t *pos)
{
	return kernel_write(fp, buffer, count, pos);
}

/*
 * 2.6.26: the root of /proc is NULL, proc_root is hidden. 3.10: entries are made whole by proc_create, their fields are
 * hidden, create_proc_entry went. 5.6: they have operations of their own in place of file_operations.
 */
static inline struct proc_dir_entry *proc_make(const char *name, const struct proc_ops *ops)
{
	return proc_create(name, 0644, NULL, ops);
}

/*
 * Without a function here: packet_type.func has a fourth argument from 2.6.14 on. 4.13: skb->users is a refcount_t,
 * skb_get raises it. 6.8: functions without a prototype are warned of, so that they are static. 6.8: strlcpy went, and
 * later strncpy.
 */
#endif
