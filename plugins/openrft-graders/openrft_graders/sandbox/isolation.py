"""Give up, for good, what graded code must not have: network, writable files, further processes, other processes.

A seccomp filter (Linux, x86-64 and arm64) refuses the system calls with EPERM. It needs no root and no container, and
it cannot be lifted. A new user and network namespace is a second wall where the system allows one: there, other
processes' memory is out of reach too. The worker loads this file by its path, so it imports the standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterable

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
CLONE_THREAD, CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000, 0x10000000, 0x40000000, 0x08000000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
X32 = 0x40000000  # x86-64 kernels may offer every call a second time from this number on

# Instructions of classic BPF (linux/bpf_common.h), and what a filter returns (linux/seccomp.h).
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where seccomp_data holds them

# Numbers of system calls: x86-64 (asm/unistd_64.h), arm64 (asm-generic/unistd.h); None = there is no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198),
    "socketpair": (53, 199),
    # processes
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "prctl": (157, 167),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # files
    "creat": (85, None),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "open_by_handle_at": (304, 265),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    # the system
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "fanotify_init": (300, 262),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
}
_ABSENT = {
    "clone3": (435, 435),
    "openat2": (437, 437),
}  # ENOSYS: libraries then use clone and openat, which are checked
_CLONE, _OPEN, _OPENAT, _PRLIMIT, _IOCTL = (56, 220), (2, None), (257, 56), (302, 261), (16, 29)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the tables, AUDIT_ARCH (linux/audit.h)


class CannotIsolate(Exception):
    """Why this system cannot isolate a process."""


def isolate() -> None:
    """Isolate this process and its threads for good. Raises CannotIsolate."""
    machine = _MACHINES.get(platform.machine())
    if platform.system() != "Linux" or machine is None:
        raise CannotIsolate(f"{platform.system()} on {platform.machine()} has no filter for system calls here")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC)  # the second wall; many containers refuse it
    # After that, because new credentials would clear it.
    _call(libc, "PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, signal.SIGKILL)
    _call(libc, "PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1)
    code = _write_filter(*machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))  # struct sock_fprog
    pointer = ctypes.create_string_buffer(program, len(program))
    _call(libc, "PR_SET_SECCOMP", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(pointer))


def limit_resources(seconds: float, memory: int) -> None:
    """Limit processor time, and memory in bytes beyond what the process has. No limit can be raised again."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_CPU: int(seconds) + 2,
        resource.RLIMIT_AS: used + memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for name, value in limits.items():
        resource.setrlimit(name, (value, value))


def _call(libc: ctypes.CDLL, name: str, option: int, *arguments: int) -> None:
    if libc.prctl(option, *arguments, *[0] * (4 - len(arguments))):
        raise CannotIsolate(f"the kernel refuses {name}: {os.strerror(ctypes.get_errno())}")


def _write_filter(column: int, architecture: int) -> bytes:
    """The filter as classic BPF: 8 bytes an instruction (code, jump if true, jump if false, value)."""
    refuse = (RETURN, 0, 0, REFUSE | errno.EPERM)
    code = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        refuse,
    ]
    for number in _list_numbers(_REFUSED.values(), column):
        code += [(EQUAL, 0, 1, number), refuse]
    for number in _list_numbers([_IOCTL], column):  # it could change a file's flags; ENOTTY is what libraries expect
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.ENOTTY)]
    for number in _list_numbers(_ABSENT.values(), column):
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    allow = (RETURN, 0, 0, ALLOW)
    checks = [  # the call, the place of its argument, and the test whose truth allows it
        (_CLONE, 0, (ANY_BIT, 0, 1, CLONE_THREAD), True),
        (_OPEN, 1, (ANY_BIT, 0, 1, WRITING), False),
        (_OPENAT, 2, (ANY_BIT, 0, 1, WRITING), False),
        (_PRLIMIT, 0, (EQUAL, 0, 1, 0), True),  # limits of this process only
    ]
    for numbers, place, test, allows in checks:
        for number in _list_numbers([numbers], column):
            block = [(LOAD, 0, 0, ARGUMENTS + 8 * place), test, *((allow, refuse) if allows else (refuse, allow))]
            code += [(EQUAL, 0, len(block), number), *block]
    code.append(allow)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _list_numbers(rows: Iterable[tuple[int | None, int | None]], column: int) -> list[int]:
    return [number for row in rows if (number := row[column]) is not None]
