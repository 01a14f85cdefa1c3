// SPDX-License-Identifier: GPL-2.0
/*
 * A stand-in for vblade-kernel 0.3.4, of which no copy is known: the same files under /sys/vblade, and nothing of its
 * code. Written for aoe-lab.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>
#include "vb.h"

#define complain(fmt, ...) pr_err("vblade: " fmt "\n", ##__VA_ARGS__)
#define MOST_WORDS 6

DEFINE_MUTEX(vb_lock);
LIST_HEAD(vb_drives);
static struct kobject *root;

static struct vb_drive *drive_of(struct kobject *kobj)
{
	return container_of(kobj, struct vb_drive, kobj);
}

/* Cuts a line into words, in place. @return how many; -E2BIG if there are too many */
static int split(char *line, char *words[MOST_WORDS])
{
	char *word;
	int count = 0;

	while ((word = strsep(&line, " \t\n")) != NULL) {
		if (*word == '\0')
			continue;
		if (count == MOST_WORDS)
			return -E2BIG;
		words[count++] = word;
	}
	return count;
}

/* Off its drive, all that it has with the block layer ended, interface and module given back; vb_lock is held. */
void vb_remove_port(struct vb_port *port)
{
	list_del(&port->link);
	while (atomic_read(&port->busy) > 0)
		msleep(10);
	vb_forget_answers(port->dev);
	dev_put(port->dev);
	kfree(port);
	module_put(THIS_MODULE);
}

static struct vb_port *find_port(const char *ifname, unsigned int major, unsigned int minor)
{
	struct vb_drive *drive;
	struct vb_port *port;

	list_for_each_entry(drive, &vb_drives, link)
		list_for_each_entry(port, &drive->ports, link)
			if (port->major == major && port->minor == minor && !strcmp(port->dev->name, ifname))
				return port;
	return NULL;
}

static int add_port(struct vb_drive *drive, const char *ifname, const unsigned int numbers[4])
{
	struct vb_port *port;
	int error = 0;

	if (numbers[0] >= 0xffff || numbers[1] >= 0xff || numbers[2] < 1 || numbers[2] > 0xffff ||
	    numbers[3] < 1 || numbers[3] > 0xff) {
		complain("shelf 0 to 65534, slot 0 to 254, queue 1 to 65535, sectors 1 to 255");
		return -EINVAL;
	}
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->drive = drive;
	port->major = numbers[0];
	port->minor = numbers[1];
	port->queue = numbers[2];
	port->sectors = numbers[3];
	port->dev = dev_get_by_name(current->nsproxy->net_ns, ifname);
	mutex_lock(&vb_lock);
	if (!port->dev || port->dev->reg_state != NETREG_REGISTERED) {
		complain("no interface %s", ifname);
		error = -ENODEV;
	} else if (drive->gone) {
		error = -ENODEV;
	} else if (find_port(ifname, port->major, port->minor)) {
		complain("%u.%u is taken on %s", port->major, port->minor, ifname);
		error = -EEXIST;
	} else if (!try_module_get(THIS_MODULE)) {
		error = -ENODEV;
	} else {
		list_add_tail(&port->link, &drive->ports);
		vb_announce(port);
	}
	mutex_unlock(&vb_lock);
	if (error) {
		if (port->dev)
			dev_put(port->dev);
		kfree(port);
	}
	return error;
}

static int del_port(struct vb_drive *drive, const char *ifname, unsigned int major, unsigned int minor)
{
	struct vb_port *port;
	int error = 0;

	mutex_lock(&vb_lock);
	port = find_port(ifname, major, minor);
	if (port && port->drive == drive) {
		vb_remove_port(port);
	} else {
		complain("%s has no port %u.%u on %s", kobject_name(&drive->kobj), major, minor, ifname);
		error = -ENOENT;
	}
	mutex_unlock(&vb_lock);
	return error;
}

static ssize_t ports_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	struct vb_port *port;
	ssize_t length = 0;

	mutex_lock(&vb_lock);
	list_for_each_entry(port, &drive_of(kobj)->ports, link)
		length += sysfs_emit_at(page, length, "%s %u %u %u %u\n", port->dev->name, port->major, port->minor,
					port->queue, port->sectors);
	mutex_unlock(&vb_lock);
	return length;
}

static int ports_line(struct vb_drive *drive, char *line)
{
	char *words[MOST_WORDS];
	unsigned int numbers[4];
	int count = split(line, words), i;

	for (i = 2; i < count; i++)
		if (kstrtouint(words[i], 0, &numbers[i - 2])) {
			complain("\"%s\" is no number", words[i]);
			return -EINVAL;
		}
	if (count == 6 && !strcmp(words[0], "add"))
		return add_port(drive, words[1], numbers);
	if (count == 4 && !strcmp(words[0], "del"))
		return del_port(drive, words[1], numbers[0], numbers[1]);
	complain("expected add INTERFACE SHELF SLOT QUEUE SECTORS, or del INTERFACE SHELF SLOT");
	return -EINVAL;
}

static ssize_t ports_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text, size_t size)
{
	char *line = kstrndup(text, size, GFP_KERNEL);
	int error = line ? ports_line(drive_of(kobj), line) : -ENOMEM;

	kfree(line);
	return error ? error : size;
}

static struct kobj_attribute ports_attribute = __ATTR(ports, 0644, ports_show, ports_store);
static struct attribute *drive_attrs[] = { &ports_attribute.attr, NULL };
ATTRIBUTE_GROUPS(drive);

static void drive_release(struct kobject *kobj)
{
	struct vb_drive *drive = drive_of(kobj);

	if (drive->file)
		filp_close(drive->file, NULL);
	kfree(drive);
}

static struct kobj_type drive_type = {
	.release = drive_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = drive_groups,
};

static struct vb_drive *find_drive(const char *name)
{
	struct vb_drive *drive;

	list_for_each_entry(drive, &vb_drives, link)
		if (!strcmp(kobject_name(&drive->kobj), name))
			return drive;
	return NULL;
}

/* Opening the node with O_EXCL claims the device, on every kernel. */
static int open_drive(struct vb_drive *drive, const char *path)
{
	struct file *file = filp_open(path, O_RDWR | O_EXCL | O_LARGEFILE, 0);

	if (IS_ERR(file)) {
		complain("can't open %s: %ld", path, PTR_ERR(file));
		return PTR_ERR(file);
	}
	drive->file = file;
	if (!S_ISBLK(file_inode(file)->i_mode)) {
		complain("%s is no block device", path);
		return -ENOTBLK;
	}
	drive->sectors = i_size_read(file->f_mapping->host) / VB_SECTOR;
	if (drive->sectors == 0) {
		complain("%s has no sectors", path);
		return -ENXIO;
	}
	return strscpy(drive->path, path, sizeof(drive->path)) < 0 ? -ENAMETOOLONG : 0;
}

static int add_drive(const char *name, const char *path)
{
	struct vb_drive *drive = kzalloc(sizeof(*drive), GFP_KERNEL);
	int error;

	if (!drive)
		return -ENOMEM;
	kobject_init(&drive->kobj, &drive_type);
	INIT_LIST_HEAD(&drive->ports);
	error = open_drive(drive, path);
	mutex_lock(&vb_lock);
	if (!error && (find_drive(name) || !strcmp(name, "drives") || strchr(name, '/'))) {
		complain("the name %s is taken or none", name);
		error = -EEXIST;
	}
	if (!error)
		error = kobject_add(&drive->kobj, root, "%s", name);
	if (!error)
		list_add_tail(&drive->link, &vb_drives);
	mutex_unlock(&vb_lock);
	if (error)
		kobject_put(&drive->kobj);
	return error;
}

/* Not under the lock, for which a writer of its file may wait. */
static void free_drive(struct vb_drive *drive)
{
	kobject_del(&drive->kobj);
	kobject_put(&drive->kobj);
}

static int del_drive(const char *name)
{
	struct vb_drive *drive;
	int error = 0;

	mutex_lock(&vb_lock);
	drive = find_drive(name);
	if (!drive) {
		complain("there is no drive %s", name);
		error = -ENOENT;
	} else if (!list_empty(&drive->ports)) {
		complain("the drive %s has ports", name);
		error = -EBUSY;
	} else {
		drive->gone = true;
		list_del(&drive->link);
	}
	mutex_unlock(&vb_lock);
	if (!error)
		free_drive(drive);
	return error;
}

static ssize_t drives_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	struct vb_drive *drive;
	ssize_t length = 0;

	mutex_lock(&vb_lock);
	list_for_each_entry(drive, &vb_drives, link)
		length += sysfs_emit_at(page, length, "%s %s\n", kobject_name(&drive->kobj), drive->path);
	mutex_unlock(&vb_lock);
	return length;
}

static int drives_line(char *line)
{
	char *words[MOST_WORDS];
	int count = split(line, words);

	if (count == 3 && !strcmp(words[0], "add"))
		return add_drive(words[1], words[2]);
	if (count == 2 && !strcmp(words[0], "del"))
		return del_drive(words[1]);
	complain("expected add NAME DEVICE, or del NAME");
	return -EINVAL;
}

static ssize_t drives_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text, size_t size)
{
	char *line = kstrndup(text, size, GFP_KERNEL);
	int error = line ? drives_line(line) : -ENOMEM;

	kfree(line);
	return error ? error : size;
}

static struct kobj_attribute drives_attribute = __ATTR(drives, 0644, drives_show, drives_store);

/* An interface that is removed waits until nobody holds it. */
static int interface_event(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct vb_port *port, *next;
	struct vb_drive *drive;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	mutex_lock(&vb_lock);
	list_for_each_entry(drive, &vb_drives, link)
		list_for_each_entry_safe(port, next, &drive->ports, link)
			if (port->dev == dev)
				vb_remove_port(port);
	mutex_unlock(&vb_lock);
	return NOTIFY_DONE;
}

static struct notifier_block interfaces = { .notifier_call = interface_event };

static int __init vb_init(void)
{
	int error = vb_wire_start();

	if (error)
		return error;
	register_netdevice_notifier(&interfaces);
	root = kobject_create_and_add("vblade", NULL);
	error = root ? sysfs_create_file(root, &drives_attribute.attr) : -ENOMEM;
	if (error) {
		kobject_put(root);
		unregister_netdevice_notifier(&interfaces);
		vb_wire_stop();
	}
	return error;
}

static void __exit vb_exit(void)
{
	struct vb_drive *drive, *next_drive;
	struct vb_port *port, *next;

	/* From here on nobody adds a drive. */
	sysfs_remove_file(root, &drives_attribute.attr);
	list_for_each_entry_safe(drive, next_drive, &vb_drives, link) {
		mutex_lock(&vb_lock);
		drive->gone = true;
		list_del(&drive->link);
		list_for_each_entry_safe(port, next, &drive->ports, link)
			vb_remove_port(port);
		mutex_unlock(&vb_lock);
		free_drive(drive);
	}
	unregister_netdevice_notifier(&interfaces);
	vb_wire_stop();
	kobject_put(root);
}

module_init(vb_init);
module_exit(vb_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("AoE target: a stand-in for vblade-kernel, whose original is lost");
