"""Turn into a server's program: tie its life to the keeper's, drop root, and execute it.

Run by path and without site-packages, because it is the first half of every server's start: `python -I -S launch.py
'{"command": …}'`. It can therefore import the standard library only.
"""

import ctypes
import json
import os
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_GET_SECUREBITS = 27
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

LINUX = sys.platform == "linux"


class CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct` of capset(2)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilityData(ctypes.Structure):
    """`struct __user_cap_data_struct` of capset(2): sets of the capabilities 0 to 31, or 32 to 63."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main() -> NoReturn:
    """Do what the one argument says.

    Its keys are `command`, `folders` (which the program must be able to write to), `parent` (the keeper's process id),
    `death_signal`, and as root `uid` and `gid`.
    """
    order: dict[str, Any] = json.loads(sys.argv[1])
    os.umask(0o077)
    if order["uid"] is not None:
        try:
            leave_root(order["uid"], order["gid"], order["command"][0], order["folders"])
        except OSError as error:
            sys.exit(
                f"The servers may not run as root, and this system does not let Freight change to the user with id "
                f"{order['uid']} ({error}): run Freight as an ordinary user."
            )
    elif not reachable(order["command"][0], order["folders"]):
        sys.exit(f"This user may not write to {' and '.join(order['folders'])}: run Freight as their owner.")
    die_with_parent(order["parent"], order["death_signal"])
    os.execve(order["command"][0], order["command"], {"LC_ALL": "C", "PATH": os.defpath})  # noqa: S606 - a list, no shell


def die_with_parent(parent: int, death_signal: int) -> None:
    """Have the kernel send the signal when the parent ends. A change of user clears this."""
    if LINUX:
        _prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("The keeper ended before its server could start.")


def reachable(program: str, folders: list[str]) -> bool:
    """Return whether this process can execute the program and work in the folders."""
    return os.access(program, os.X_OK) and all(os.access(folder, os.R_OK | os.W_OK | os.X_OK) for folder in folders)


def leave_root(uid: int, gid: int, program: str, folders: list[str]) -> None:
    """Change to the user, keeping only the capabilities needed to reach the program and the folders.

    A folder such as /root lets no other user through, and its permissions are not ours to change; then the program
    keeps the capability to pass through folders or, if that is not enough, the one to ignore file permissions. Raise
    `OSError` if the user cannot be changed.
    """
    os.setgroups([])
    os.setgid(gid)
    # Without this access(2), by which PostgreSQL finds its files, ignores the capabilities of an ordinary user.
    spare = LINUX and _prctl(PR_SET_SECUREBITS, _prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP, may_fail=True) == 0
    permitted = _permitted_capabilities() if spare else 0
    os.setuid(uid)
    for wanted in (0, 1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE):
        kept = wanted & permitted
        if spare:
            _set_capabilities(permitted, effective=kept)
        if reachable(program, folders):
            break
    else:
        sys.exit(
            f"Freight runs as root, so its servers run as the user with id {uid}, which cannot reach {program} or "
            f"{' or '.join(folders)}: set FREIGHT_HOME to an existing folder that other users may pass through (mode "
            f"711), or run Freight as an ordinary user."
        )
    if spare:
        _set_capabilities(kept, effective=kept)
        if kept:
            _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept.bit_length() - 1)


def _prctl(option: int, *arguments: int, may_fail: bool = False) -> int:
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = ctypes.CDLL(None, use_errno=True).prctl(option, *words)
    if result < 0 and not may_fail:
        raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")
    return result


def _permitted_capabilities() -> int:
    header, data = CapabilityHeader(CAPABILITY_VERSION_3, 0), (CapabilityData * 2)()
    _checked(ctypes.CDLL(None, use_errno=True).capget(ctypes.byref(header), data), "capget")
    return int(data[0].permitted) & (1 << CAP_DAC_READ_SEARCH | 1 << CAP_DAC_OVERRIDE)


def _set_capabilities(permitted: int, *, effective: int) -> None:
    header, data = CapabilityHeader(CAPABILITY_VERSION_3, 0), (CapabilityData * 2)()
    data[0] = CapabilityData(effective, permitted, permitted)
    _checked(ctypes.CDLL(None, use_errno=True).capset(ctypes.byref(header), data), "capset")


def _checked(result: int, call: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{call} was refused")


if __name__ == "__main__":
    main()
