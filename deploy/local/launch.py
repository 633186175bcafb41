"""Becomes the process that a description names: its user, environment and command.

The process id stays the same, so a supervisor signals the server itself and
not a wrapper. Secrets reach the process from a file only its owner can read,
never on a command line. Only the standard library is used, because the file is
run as a script: `python -I -S launch.py DESCRIPTION`, where the description is
JSON text or the path of a JSON file with these keys:

    command          words; the first is an absolute path
    environment      the whole environment (default: this process's own)
    user             system account to change to when run as root
    home             directory that account must be able to reach
    pidfile          file that gets this process's id
    die_with_parent  the parent's id, to get SIGINT when it dies (Linux): when the
                     thread of it that started this process ends
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import signal
import sys
from pathlib import Path
from typing import Any

CAP_DAC_OVERRIDE = 1
PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


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
        # Without this bit access(2) would answer as if the capability were not there,
        # and PostgreSQL asks it whether it can run its own programs.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
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


def change_user(name: str, description: dict[str, Any]) -> None:
    """Changes to the account, keeping access to the program and to `home` where it has none."""
    account = pwd.getpwnam(name)
    paths = [Path(description["command"][0])]
    if "home" in description:
        paths.append(Path(description["home"]) / "inside")
    closed = [path for path in paths if not reachable(path, account)]
    os.chdir("/")
    become(account, keep_access=bool(closed))


def main() -> None:
    """Reads the description and replaces this process with what it names."""
    argument = sys.argv[1]
    description = json.loads(argument if argument.startswith("{") else Path(argument).read_text())
    if "pidfile" in description:
        Path(description["pidfile"]).write_text(f"{os.getpid()}\n")
    if description.get("user") and os.geteuid() == 0:
        change_user(description["user"], description)
    parent = description.get("die_with_parent")
    if parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent died before it could be watched")
    command = description["command"]
    os.execve(command[0], command, description.get("environment", dict(os.environ)))  # noqa: S606


if __name__ == "__main__":
    main()
