/*
 * A target that does nothing but answer: reads from a file that lies in memory, writes by forgetting them. It shows how
 * fast this machine, its wire and the load generator can be. Licence: MIT, as aoe-lab.
 *
 * reflector INTERFACE FILE: answers every ATA read and write that arrives, whatever its address; prints "ready".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOT = 16384, BLOCK = 65536, SLOTS = 1024, BATCH = 64, AOE = 0x88a2 };
enum { HEADER = 36, SHORTEST = 60, LOOKS = 4000 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct tpacket2_hdr *slot(uint8_t *ring, unsigned index) {
  return (void *)(ring + (size_t)index * SLOT);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int ignore_outgoing = 23; /* PACKET_IGNORE_OUTGOING, missing in older headers */

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: reflector INTERFACE FILE\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int file = open(argv[2], O_RDONLY);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) < 0) fail(argv[2]);
  const uint8_t *data = mmap(NULL, facts.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  if (data == MAP_FAILED) fail("mmap of the file");

  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) fail("socket");
  int version = TPACKET_V2, one = 1, queue = 32 << 20;
  setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
  setsockopt(fd, SOL_PACKET, ignore_outgoing, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof queue);
  struct tpacket_req request = {
    .tp_block_size = BLOCK,
    .tp_block_nr = SLOTS * SLOT / BLOCK,
    .tp_frame_size = SLOT,
    .tp_frame_nr = SLOTS,
  };
  if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0) fail("PACKET_RX_RING");
  uint8_t *ring = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) fail("mmap of the ring");
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET,
    .sll_protocol = htons(AOE),
    .sll_ifindex = if_nametoindex(argv[1]),
  };
  if (address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(argv[1]);
  puts("ready");
  fflush(stdout);

  /* Answers go out straight from the file's memory: the ring for sending is a fifth slower here. */
  static uint8_t headers[BATCH][SHORTEST];
  struct iovec vectors[BATCH][2];
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) {
    vectors[i][0].iov_base = headers[i];
    messages[i].msg_hdr.msg_iov = vectors[i];
  }
  int idle = 0;
  for (unsigned in = 0;;) {
    int count = 0;
    for (; count < BATCH; in = (in + 1) % SLOTS) {
      struct tpacket2_hdr *request = slot(ring, in);
      if (!(__atomic_load_n(&request->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) break;
      const uint8_t *frame = (uint8_t *)request + request->tp_mac;
      /* A request of command 0 (ATA). */
      if (request->tp_snaplen >= HEADER && !(frame[14] & 8) && frame[19] == 0) {
        uint8_t *to = headers[count];
        memcpy(to, frame, HEADER);
        memcpy(to, frame + 6, 6);
        memcpy(to + 6, frame, 6);
        to[14] |= 8;
        to[25] = 0;
        to[27] = 0x40;
        uint32_t lba;
        memcpy(&lba, frame + 28, sizeof lba);
        uint64_t from = 512 * (uint64_t)lba;
        size_t length = 512 * (size_t)frame[26];
        int read = !(frame[24] & 1) && from + length <= (uint64_t)facts.st_size;
        vectors[count][0].iov_len = read ? HEADER : SHORTEST;
        vectors[count][1] = (struct iovec){(void *)(data + from), length};
        messages[count].msg_hdr.msg_iovlen = read ? 2 : 1;
        count++;
      }
      __atomic_store_n(&request->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    }
    for (int done = 0; done < count;) {
      int sent = sendmmsg(fd, messages + done, count - done, 0);
      if (sent <= 0) break;
      done += sent;
    }
    /* Looks for a while before it sleeps: being woken takes longer than an answer. */
    if (count > 0) {
      idle = 0;
    } else if (++idle < LOOKS) {
      relax();
    } else {
      struct pollfd wait = {.fd = fd, .events = POLLIN};
      poll(&wait, 1, -1);
      idle = 0;
    }
  }
}
