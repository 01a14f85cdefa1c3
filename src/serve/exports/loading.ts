/** Why kernels refuse modules, by what insmod and the kernel's log say; the same for every module. */
import type { Saying } from '../../make/recipe/schema.js';

const SIGNED = [
  'install it by DKMS (`aoe-lab build {{implementation}} --dkms`), which signs what it builds, and enrol its key: mokutil --import /var/lib/dkms/mok.pub, then a reboot',
  'or take a daemon, which needs no module: --impl native',
];

export const LOADING: readonly Saying[] = [
  {
    // ENOKEY, EKEYREJECTED, as kmod and busybox print them; kernel/module/signing.c.
    line: 'Key was rejected by service|Required key not available|Loading of .*module.* is rejected|Key has (expired|been revoked)',
    means:
      'the kernel loads only modules that are signed by a key it knows (Secure Boot, module.sig_enforce): this one is not',
    next: SIGNED,
  },
  {
    // security/lockdown: "Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7"
    line: 'Lockdown: .*module loading is restricted',
    means: 'the kernel is locked down, as Secure Boot has it, and loads no unsigned module',
    next: SIGNED,
  },
  {
    line: 'Operation not permitted|Permission denied',
    means:
      'no module may be loaded there: the kernel is locked down, kernel.modules_disabled is set, or the host is a container',
    next: [
      'look at /sys/kernel/security/lockdown and `sysctl kernel.modules_disabled`',
      'take a daemon, which needs no module: --impl native',
    ],
  },
  {
    line: 'version magic|[Ii]nvalid module format|Exec format error|disagrees about version of symbol',
    means: 'it was built for another kernel than the one that runs',
    next: [
      'export it again, which builds it for the kernel that runs',
      'or install it by DKMS, which builds it for each: `aoe-lab build {{implementation}} --dkms`',
    ],
  },
  {
    line: 'Unknown symbol',
    means: 'the kernel lacks a symbol that it needs',
    next: ['take another kernel, or a daemon: --impl native'],
  },
  {
    line: 'File exists',
    means: 'a module of that name is loaded, or built into the kernel',
    next: ['rmmod {{module}}'],
  },
];
