"""Runs a program that refuses root, for root: as the user `nobody`, in the same place.

Run as a script by `cardwatch_local.postgres`, with the standard library alone:

    unprivileged.py COMMAND...

What the program needs may lie below a folder that only root may enter, such as root's home. On
Linux it therefore keeps one of root's capabilities: to read files and enter folders whoever's they
are (CAP_DAC_READ_SEARCH), or, in a container without it, CAP_DAC_OVERRIDE. It writes what is its
own. Where this process is not root's, the program is only started.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence

USER = "nobody"

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITIES_VERSION = 0x20080522
_DAC_OVERRIDE = 1
_DAC_READ_SEARCH = 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    """Capabilities 0 to 31 or 32 to 63 of a process, one bit each; see capset(2)."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become_nobody() -> None:
    """Give up root's rights but that of reading, as far as this process has it.

    Raises:
        OSError: the system does not let this process change its user.
        KeyError: there is no user `nobody`.
    """
    parent = os.getppid()
    user = pwd.getpwnam(USER)
    keeps = _readable_capability() if sys.platform == "linux" else None
    if keeps is not None:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if keeps is not None:
        _keep_only(keeps)
    if sys.platform == "linux":
        # Another user's process is not bound to its parent's life until it says so again.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


def _readable_capability() -> int | None:
    """Return the capability that opens every folder, None if this process has neither."""
    sets = (_Sets * 2)()
    header = _Header(_CAPABILITIES_VERSION, 0)
    if ctypes.CDLL(None).capget(ctypes.byref(header), sets) != 0:
        return None
    permitted = sets[0].permitted
    return next((c for c in (_DAC_READ_SEARCH, _DAC_OVERRIDE) if permitted & 1 << c), None)


def _keep_only(capability: int) -> None:
    sets = (_Sets * 2)()
    sets[0] = _Sets(*[1 << capability] * 3)
    header = _Header(_CAPABILITIES_VERSION, 0)
    ctypes.CDLL(None).capset(ctypes.byref(header), sets)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *values: int) -> None:
    ctypes.CDLL(None).prctl(option, *values, *[0] * (4 - len(values)))


def main(command: Sequence[str]) -> None:
    """Run a command in the place of this process."""
    if os.geteuid() == 0:
        try:
            become_nobody()
        except (OSError, KeyError) as error:
            sys.exit(f"{command[0]} does not run as root, and root cannot become {USER}: {error}")
    os.execv(command[0], list(command))


if __name__ == "__main__":
    main(sys.argv[1:])
