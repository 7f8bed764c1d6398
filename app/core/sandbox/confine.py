"""What a child gives up after everything is loaded: descriptors, environment, privileges, memory, time, system calls."""

import ctypes
import os
import platform
import resource
import struct
import sys

from app.core.sandbox import limits

# Throwaway users (the range systemd sets aside; rootless containers map it too): a child can signal neither servers nor another child.
FIRST_UID, UIDS = 61184, 4096
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW, _ERRNO_EPERM = 0x7FFF0000, 0x00050001
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
# System calls a child never needs: opening and changing files, sockets, other processes.
# Numbers from the kernel's syscall tables, per machine, with its AUDIT_ARCH value.
_FORBIDDEN: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000003E,
        (2, 41, 42, 43, 46, 49, 50, 53, 56, 57, 58, 59, 62, 76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 92, 101, 161, 165, 257, 258, 263,
         264, 288, 304, 310, 311, 316, 319, 321, 322, 425, 435, 437),
    ),
    "aarch64": (
        0xC00000B7,
        (33, 34, 35, 36, 37, 38, 40, 45, 46, 51, 52, 54, 56, 117, 129, 198, 199, 200, 201, 202, 203, 211, 220, 221, 242, 265, 270,
         271, 276, 279, 280, 281, 425, 435, 437),
    ),
}  # fmt: skip


def confine(slot: int) -> None:
    """Drop everything, in the one order that works: memory and files, user, no new privileges, system calls."""
    os.environ.clear()
    _limit_resources()
    if os.getuid() == 0:
        uid = FIRST_UID + slot % UIDS
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if sys.platform == "linux":
        _forbid_system_calls()


def grant_cpu() -> None:
    """Move the soft CPU limit ahead: RLIMIT_CPU counts from the child's start, each item gets its own share."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + limits.CPU_BACKSTOP_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _limit_resources() -> None:
    for name, most in (("AS", _mapped_bytes() + limits.MEMORY_BYTES), ("NOFILE", 1), ("FSIZE", 0), ("NPROC", 0), ("CORE", 0)):
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _mapped_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 512 << 20


def _forbid_system_calls() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    known = _FORBIDDEN.get(platform.machine())
    if known:
        program = _filter(*known)
        buffer = ctypes.create_string_buffer(program)
        header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
        # A kernel without seccomp answers EINVAL; the other walls stand.
        libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)


def _filter(architecture: int, forbidden: tuple[int, ...]) -> bytes:
    """A classic BPF program: another architecture or a forbidden call gives EPERM, anything else passes."""
    rows = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _ERRNO_EPERM), (_LOAD, 0, 0, 0)]
    for index, number in enumerate(forbidden):
        rows.append((_JUMP_EQUAL, len(forbidden) - index, 0, number))
    rows += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO_EPERM)]
    return b"".join(struct.pack("HBBI", *row) for row in rows)
