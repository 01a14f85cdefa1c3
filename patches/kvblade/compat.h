/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kvblade calls, on Linux 5.10 and later. Each kernel interface that changed since 2006 is named here once, with
 * the version in which it changed. Written for aoe-lab.
 */
#ifndef KVBLADE_COMPAT_H
#define KVBLADE_COMPAT_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/version.h>
#include <net/net_namespace.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "these patches are for Linux 5.10 and later"
#endif

/* 2.6.22: a sk_buff keeps offsets that functions read; until then the pointers mac.raw and nh.raw. */
static inline unsigned char *skb_frame(const struct sk_buff *skb)
{
	return skb_mac_header(skb);
}

static inline void skb_start_frame(struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
}

/* 2.6.24: interfaces belong to a network namespace; the one meant is that of the process which writes. */
static inline struct net_device *find_netdev(const char *name)
{
	return dev_get_by_name(current->nsproxy->net_ns, name);
}

/*
 * 2.6.25: kobject_init takes the type, and one call names and adds; kobject_register and kobject_unregister went.
 * 2.6.36: struct attribute has no owner. 5.18: a type has default_groups only (there from 5.2 on), no default_attrs.
 */
#define KOBJ_ATTRIBUTES(name) .default_groups = name##_groups

/*
 * 2.6.28, 2.6.38, 6.5, 6.7, 6.9: the exclusive open of a block device got another name or shape (open_bdev_excl,
 * open_bdev_exclusive, blkdev_get_by_path, bdev_open_by_path, bdev_file_open_by_path). Opening its node with O_EXCL
 * claims it as well, and did not change.
 */
static inline struct file *open_bdev_file(const char *path)
{
	struct file *file = filp_open(path, O_RDWR | O_EXCL | O_LARGEFILE, 0);

	if (!IS_ERR(file) && !S_ISBLK(file_inode(file)->i_mode)) {
		filp_close(file, NULL);
		return ERR_PTR(-ENOTBLK);
	}
	return file;
}

static inline struct block_device *file_to_bdev(struct file *file)
{
	return I_BDEV(file->f_mapping->host);
}

/* 2.6.28: gendisk hides its capacity. The size of what was opened, a partition too, in sectors of 512 bytes. */
static inline loff_t bdev_file_sectors(struct file *file)
{
	return i_size_read(file->f_mapping->host) >> 9;
}

/*
 * 5.18: bio_alloc takes device and operation. Vendors took that into older kernels, so that the header is asked for its
 * type, not for its version. What is not chosen is typed to be called all the same, and never is.
 */
typedef struct bio *bio_alloc_of_device(struct block_device *, unsigned short, unsigned int, gfp_t);
typedef struct bio *bio_alloc_alone(gfp_t, unsigned int);
#define BIO_ALLOC_TAKES_DEVICE __same_type(bio_alloc, bio_alloc_of_device)
#define bio_alloc_with_device __builtin_choose_expr(BIO_ALLOC_TAKES_DEVICE, bio_alloc, (bio_alloc_of_device *)NULL)
#define bio_alloc_without __builtin_choose_expr(BIO_ALLOC_TAKES_DEVICE, (bio_alloc_alone *)NULL, bio_alloc)

/*
 * 3.14: bi_sector lies in bi_iter. 4.8: the direction is part of the bio, submit_bio takes it no longer.
 * 4.14: bi_bdev is set by a function.
 */
static inline struct bio *alloc_bdev_bio(struct block_device *bdev, sector_t sector, int write)
{
	unsigned int op = write ? REQ_OP_WRITE : REQ_OP_READ;
	struct bio *bio;

	if (BIO_ALLOC_TAKES_DEVICE)
		bio = bio_alloc_with_device(bdev, 1, op, GFP_ATOMIC);
	else
		bio = bio_alloc_without(GFP_ATOMIC, 1);
	if (!bio)
		return NULL;
	if (!BIO_ALLOC_TAKES_DEVICE) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = op;
	}
	bio->bi_iter.bi_sector = sector;
	return bio;
}

/*
 * 2.6.24: bi_end_io is called once, at the end, and returns nothing. 4.3: it takes the bio alone.
 * 4.13: how it went is bi_status; until then BIO_UPTODATE and bi_error.
 */
static inline int bio_errno(const struct bio *bio)
{
	return blk_status_to_errno(bio->bi_status);
}

#endif
