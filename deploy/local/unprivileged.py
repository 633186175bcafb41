"""Starts one command as another system user and stays out of its way.

PostgreSQL refuses to run as root. The command keeps this process's id, so a
supervisor signals it directly. Only the standard library is used: the file is
run as a script, before any environment is known to be readable.

    python unprivileged.py [--user NAME] [--die-with-parent] [--home DIR] -- COMMAND...
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

CAP_DAC_OVERRIDE = 1
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account can traverse every directory above `path`."""
    for directory in path.resolve().parents:
        status = directory.stat()
        if status.st_uid == account.pw_uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == account.pw_gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True


def become(account: pwd.struct_passwd, *, keep_access: bool) -> None:
    """Gives up root for the account; irreversible.

    With `keep_access` the one capability to pass directories closed to others
    survives the change and the exec: a home directory of mode 0700 need not be
    opened to everybody for a database beneath it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if keep_access:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([account.pw_gid])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if keep_access:
        wanted = 1 << CAP_DAC_OVERRIDE
        sets = (_Sets * 2)(_Sets(wanted, wanted, wanted), _Sets(0, 0, 0))
        refused = libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets)
        refused = refused or libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
        if refused:
            sys.exit(
                f"user {account.pw_name} cannot reach the data or the programs, and this container grants no "
                "capability to help it: put PRACTICE_HOME and the checkout in a directory others may enter"
            )


def main() -> None:
    """Changes the user when asked to, then replaces itself with the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--die-with-parent", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    program = Path(options.command[0])
    if options.user and os.geteuid() == 0:
        account = pwd.getpwnam(options.user)
        paths = [program, *([options.home / "inside"] if options.home else [])]
        os.chdir("/")
        become(account, keep_access=not all(reachable(path, account) for path in paths))
    if options.die_with_parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    os.execv(program, options.command)


if __name__ == "__main__":
    main()
