"""A seccomp filter: which system calls code in a sandbox may not make, as a classic BPF program.

What is not named is allowed. The filter looks at the machine first and ends a process that calls with
another one's numbers. `clone3` and `io_uring` are refused whole, because a filter cannot see into what they
point to; C libraries then use `clone`, whose flags it sees. (Linux: `Documentation/userspace-api/seccomp_filter.rst`.)
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import Final

from executor.sandbox.syscalls import Machine, number

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NAMESPACES = 0x7E020000
"""The `CLONE_NEW*` flags of `clone`."""
_STREAM = 1
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

REFUSED: Final = (
    # the network, and sockets to other processes
    "socket",
    # other processes: their memory, descriptors, limits, scheduling
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd"),
    *("sched_setscheduler", "sched_setparam", "sched_setattr", "setpriority", "ioprio_set"),
    *("migrate_pages", "move_pages"),
    # memory and queues that outlive their process or are no part of its size
    *("shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl"),
    *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
    *("memfd_create", "memfd_secret"),
    # leaving the process group, by which all are ended
    *("setsid", "setpgid"),
    # mounts, namespaces, files by handle
    *("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount"),
    *("fspick", "mount_setattr", "setns", "unshare", "name_to_handle_at", "open_by_handle_at"),
    # ways into the kernel that plain code does not need
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd"),
    *("keyctl", "add_key", "request_key", "fanotify_init", "inotify_add_watch", "modify_ldt", "personality"),
    # the machine itself
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
    *("acct", "syslog", "quotactl", "quotactl_fd", "iopl", "ioperm", "sethostname", "setdomainname", "vhangup"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
)
"""Calls that fail with EPERM."""

METADATA: Final = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "file_setattr"),
    *("setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
)
"""Calls that change a file's mode, owner, times or attributes. Landlock does not watch over them: where files
of the machine are visible they do nothing and say that they did, so that copying a file still works."""

_Instruction = tuple[int, int, int, int]


def program(on: Machine, *, metadata: bool) -> bytes:
    """Gives the filter as an array of `struct sock_filter`, 8 bytes each.

    Args:
        on: The machine that it is for.
        metadata: Whether the calls of `METADATA` work; where not, they do nothing.
    """
    listed = [*_opening(on)]
    for name in REFUSED:
        listed += _answer(on, name, errno.EPERM)
    listed += _answer(on, "clone3", errno.ENOSYS)
    listed += [] if metadata else [item for name in METADATA for item in _answer(on, name, 0)]
    listed += _unless(on, "clone", argument=0, mask=_NAMESPACES, value=0)
    listed += _unless(on, "socketpair", argument=1, mask=0xF, value=_STREAM)
    listed += _unless(on, "prlimit64", argument=0, mask=0xFFFFFFFF, value=0)
    listed += _unless(on, "sched_setaffinity", argument=0, mask=0xFFFFFFFF, value=0)
    listed += _when(on, "ioctl", argument=1, values=(_TIOCSTI, _TIOCLINUX))
    listed.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *item) for item in listed)


def _opening(on: Machine) -> Iterator[_Instruction]:
    """Ends a process of another machine; loads the number of the call."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, on.audit)
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NUMBER)
    if on.foreign is not None:
        yield (_AT_LEAST, 0, 1, on.foreign)
        yield (_RETURN, 0, 0, _KILL)


def _answer(on: Machine, name: str, code: int) -> Iterator[_Instruction]:
    """Answers a call with an error; code 0 is success."""
    known = number(name, on)
    if known is not None:
        yield (_EQUAL, 0, 1, known)
        yield (_RETURN, 0, 0, _ERRNO | code)


def _unless(on: Machine, name: str, *, argument: int, mask: int, value: int) -> Iterator[_Instruction]:
    """Refuses a call unless the low half of an argument, under a mask, has a value."""
    known = number(name, on)
    if known is not None:
        yield (_EQUAL, 0, 5, known)
        yield (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)
        yield (_AND, 0, 0, mask)
        yield (_EQUAL, 1, 0, value)
        yield (_RETURN, 0, 0, _ERRNO | errno.EPERM)
        yield (_RETURN, 0, 0, _ALLOW)


def _when(on: Machine, name: str, *, argument: int, values: tuple[int, int]) -> Iterator[_Instruction]:
    """Refuses a call when the low half of an argument is one of two values."""
    known = number(name, on)
    if known is not None:
        yield (_EQUAL, 0, 5, known)
        yield (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)
        yield (_EQUAL, 1, 0, values[0])
        yield (_EQUAL, 0, 1, values[1])
        yield (_RETURN, 0, 0, _ERRNO | errno.EPERM)
        yield (_RETURN, 0, 0, _ALLOW)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(filter_: bytes) -> None:
    """Puts this process, and all that it starts, under a filter, for good. It must have no new privileges.

    Raises:
        OSError: the kernel does not take it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    given = _Program(len(filter_) // 8, filter_)
    if libc.prctl(22, 2, ctypes.byref(given), 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp is not to be had: {os.strerror(code)}")
