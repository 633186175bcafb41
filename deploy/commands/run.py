"""Runs a command: a foreseen failure is one line with its mend and an exit status, no traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from deploy.faults import CommandError

_MENDS = {
    errno.ENOENT: "name one that is there",
    errno.ENOTDIR: "name a directory",
    errno.EEXIST: "name another, or move that one away",
    errno.EISDIR: "name a file",
    errno.EACCES: "give this user the right to it, or name another",
    errno.EPERM: "give this user the right to it, or name another",
    errno.EROFS: "name one on a file system that can be written to",
    errno.ENOSPC: "free space on that disk, or name another, and do it again",
    errno.EDQUOT: "free space, or name another disk, and do it again",
}


def run(command: Callable[[], object]) -> None:
    """Runs a command to its end. Exits with 1 after a foreseen failure, with 130 after Ctrl-C."""
    try:
        command()
        sys.stdout.flush()
    except CommandError as error:
        sys.exit(_format(str(error)))
    except BrokenPipeError:
        # Who read has read enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(_format(describe_os_error(error)))
    except KeyboardInterrupt:
        sys.exit(130)


def describe_os_error(error: OSError) -> str:
    """Says what the system refused and what to do about it, in one line."""
    if error.errno is None:
        return str(error)
    where = f"{error.filename2 or error.filename}: " if error.filename else ""
    mend = _MENDS.get(error.errno)
    return f"{where}{os.strerror(error.errno).lower()}{f': {mend}' if mend else ''}"


def _format(message: str) -> str:
    mark = "\033[31merror:\033[0m" if sys.stderr.isatty() else "error:"
    return "\n".join(f"{mark} {line}" for line in message.splitlines())
