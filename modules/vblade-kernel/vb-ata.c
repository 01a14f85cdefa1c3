// SPDX-License-Identifier: GPL-2.0
/* ATA commands of the stand-in for vblade-kernel, straight to the block device. Written for aoe-lab. */
#include <linux/ata.h>
#include <linux/bio.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include "vb.h"

struct vb_request {
	struct vb_port *port;
	struct sk_buff *answer;
	unsigned int length;	/* of the answer, if all goes well */
	void *unwanted;		/* what was read to see whether it can be */
};

static struct vb_ata *ata_of(struct sk_buff *skb)
{
	return (struct vb_ata *)(skb->data + sizeof(struct vb_header));
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

static struct bio *new_bio(struct block_device *bdev, unsigned int op)
{
	struct bio *bio;

	if (BIO_ALLOC_TAKES_DEVICE)
		return bio_alloc_with_device(bdev, 1, op, GFP_NOIO);
	bio = bio_alloc_without(GFP_NOIO, 1);
	if (bio) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = op;
	}
	return bio;
}

static void finish(struct sk_buff *answer, unsigned int length, u8 status, u8 error)
{
	struct vb_ata *ata = ata_of(answer);

	ata->command = status;
	ata->feature = error;
	skb_trim(answer, length);
	vb_send(answer);
}

static void refuse(struct sk_buff *answer, u8 error)
{
	finish(answer, sizeof(struct vb_header) + sizeof(struct vb_ata), ATA_DRDY | ATA_ERR, error);
}

static void done(struct bio *bio)
{
	struct vb_request *request = bio->bi_private;
	struct vb_port *port = request->port;

	if (bio->bi_status == BLK_STS_OK) {
		ata_of(request->answer)->count = 0;
		finish(request->answer, request->length, ATA_DRDY, 0);
	} else {
		refuse(request->answer, ATA_UNC | ATA_ABORTED);
	}
	kfree(request->unwanted);
	kfree(request);
	bio_put(bio);
	/* Last: whoever removes the port waits for this. */
	atomic_dec(&port->busy);
}

/* @bytes: 0 for a flush. @unwanted: memory for them that is not part of the answer, and freed here; or NULL */
static void submit(struct vb_port *port, struct sk_buff *answer, unsigned int op, sector_t sector,
		   unsigned int bytes, void *unwanted)
{
	struct block_device *bdev = I_BDEV(port->drive->file->f_mapping->host);
	u8 *data = unwanted ?: (u8 *)(ata_of(answer) + 1);
	struct vb_request *request;
	struct bio *bio;

	/* A request too many is lost, as on a wire: the initiator repeats it. */
	if (atomic_read(&port->busy) >= port->queue) {
		kfree(unwanted);
		kfree_skb(answer);
		return;
	}
	request = kmalloc(sizeof(*request), GFP_NOIO);
	bio = request ? new_bio(bdev, op) : NULL;
	if (!bio || (bytes && bio_add_page(bio, virt_to_page(data), bytes, offset_in_page(data)) != bytes)) {
		if (bio)
			bio_put(bio);
		kfree(request);
		kfree(unwanted);
		kfree_skb(answer);
		return;
	}
	request->port = port;
	request->answer = answer;
	request->length = sizeof(struct vb_header) + sizeof(struct vb_ata);
	request->unwanted = unwanted;
	if (op == REQ_OP_READ && !unwanted)
		request->length += bytes;
	bio->bi_iter.bi_sector = sector;
	bio->bi_private = request;
	bio->bi_end_io = done;
	atomic_inc(&port->busy);
	submit_bio(bio);
}

static u64 lba_of(const struct vb_ata *ata, bool extended)
{
	u64 lba = 0;
	int i;

	for (i = 5; i >= 0; i--)
		lba = lba << 8 | ata->lba[i];
	return extended ? lba : lba & 0x0fffffff;
}

static void transfer(struct vb_port *port, struct sk_buff *answer, unsigned int request_length, bool write,
		     bool extended)
{
	struct vb_ata *ata = ata_of(answer);
	unsigned int head = sizeof(struct vb_header) + sizeof(*ata);
	unsigned int count = ata->count;
	u64 lba = lba_of(ata, extended);

	if (count == 0 || count > min(port->sectors, vb_frame_sectors(port)) ||
	    (write && request_length < head + count * VB_SECTOR)) {
		refuse(answer, ATA_ABORTED);
	} else if (lba + count > port->drive->sectors) {
		refuse(answer, ATA_IDNF);
	} else {
		submit(port, answer, write ? REQ_OP_WRITE : REQ_OP_READ, lba, count * VB_SECTOR, NULL);
	}
}

/* READ VERIFY SECTORS; a count of 0 stands for 256. What can't be remembered now is asked for again. */
static void verify(struct vb_port *port, struct sk_buff *answer, bool extended)
{
	unsigned int count = ata_of(answer)->count ?: 256;
	u64 lba = lba_of(ata_of(answer), extended);
	void *unwanted;

	if (lba + count > port->drive->sectors)
		return refuse(answer, ATA_IDNF);
	unwanted = kmalloc(count * VB_SECTOR, GFP_NOIO | __GFP_NOWARN);
	if (unwanted)
		submit(port, answer, REQ_OP_READ, lba, count * VB_SECTOR, unwanted);
	else
		kfree_skb(answer);
}

/* Letters are swapped by pairs, and the field is filled with blanks. */
static void put_text(__le16 *words, unsigned int count, const char *text)
{
	u8 *bytes = (u8 *)words;
	unsigned int i;

	for (i = 0; i < 2 * count; i++)
		bytes[i ^ 1] = *text ? *text++ : ' ';
}

static void put_number(__le16 *words, unsigned int count, u64 value)
{
	for (; count > 0; count--, value >>= 16)
		*words++ = cpu_to_le16(value & 0xffff);
}

/* IDENTIFY DEVICE, by the numbers of its words in ATA8-ACS. */
static void identify(struct vb_port *port, struct sk_buff *answer)
{
	struct vb_ata *ata = ata_of(answer);
	__le16 *words = (__le16 *)(ata + 1);
	char serial[21];

	snprintf(serial, sizeof(serial), "%u.%u:%.9s", port->major, port->minor, port->dev->name);
	memset(words, 0, VB_SECTOR);
	put_text(words + 10, 10, serial);
	put_text(words + 23, 4, "standin");
	put_text(words + 27, 20, "vblade-kernel stand-in");
	words[47] = cpu_to_le16(0x8000);
	words[49] = cpu_to_le16(0x0200);	/* LBA */
	words[50] = cpu_to_le16(0x4000);
	put_number(words + 60, 2, min_t(u64, port->drive->sectors, 0x0fffffff));
	words[80] = cpu_to_le16(0x00f0);	/* ATA/ATAPI-4 to 7 */
	words[83] = cpu_to_le16(0x7400);	/* FLUSH CACHE EXT, FLUSH CACHE, LBA48 */
	words[84] = cpu_to_le16(0x4000);
	words[86] = cpu_to_le16(0x3400);
	words[87] = cpu_to_le16(0x4000);
	put_number(words + 100, 4, port->drive->sectors);
	ata->count = 0;
	finish(answer, sizeof(struct vb_header) + sizeof(*ata) + VB_SECTOR, ATA_DRDY, 0);
}

void vb_ata(struct vb_port *port, struct sk_buff *answer, unsigned int request_length)
{
	switch (ata_of(answer)->command) {
	case ATA_CMD_PIO_READ:
		return transfer(port, answer, request_length, false, false);
	case ATA_CMD_PIO_READ_EXT:
		return transfer(port, answer, request_length, false, true);
	case ATA_CMD_PIO_WRITE:
		return transfer(port, answer, request_length, true, false);
	case ATA_CMD_PIO_WRITE_EXT:
		return transfer(port, answer, request_length, true, true);
	case ATA_CMD_VERIFY:
		return verify(port, answer, false);
	case ATA_CMD_VERIFY_EXT:
		return verify(port, answer, true);
	case ATA_CMD_FLUSH:
	case ATA_CMD_FLUSH_EXT:
		return submit(port, answer, REQ_OP_WRITE | REQ_PREFLUSH, 0, 0, NULL);
	case ATA_CMD_ID_ATA:
		return identify(port, answer);
	case ATA_CMD_CHK_POWER:
		ata_of(answer)->count = 0xff;
		return finish(answer, sizeof(struct vb_header) + sizeof(struct vb_ata), ATA_DRDY, 0);
	default:
		return refuse(answer, ATA_ABORTED);
	}
}
