"""Processes that outlived their supervisor: found by the pid files their launcher wrote."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import psutil

from deploy import topology
from deploy.local import processes
from deploy.local.layout import Layout

# The launcher writes its pid file within this many seconds of its birth.
_LAUNCH_SECONDS = 10.0


def find(layout: Layout, name: str) -> psutil.Process | None:
    """The live process that a pid file names, if it is still the one that wrote it."""
    path = layout.pidfile(name)
    try:
        written = path.stat().st_mtime
        process = psutil.Process(int(path.read_text()))
        born = process.create_time()
        if not processes.runs(process):
            return None
    except (OSError, ValueError, psutil.Error):
        return None
    # A recycled process id belongs to a process born at another time.
    return process if -2.0 <= written - born <= _LAUNCH_SECONDS else None


def stop(layout: Layout, process: topology.Process) -> bool:
    """Stops what is left of a process, politely first; returns whether there was one."""
    found = find(layout, process.name)
    if found is None:
        return False
    family = [found]
    with contextlib.suppress(psutil.Error):
        family += found.children(recursive=True)
        found.send_signal(signal.Signals[f"SIG{process.stop_signal}"])
    if not processes.wait_gone(family, process.stop_seconds):
        for straggler in family:
            with contextlib.suppress(psutil.Error):
                straggler.kill()
        processes.wait_gone(family, 5.0)
    return True


def stop_supervisor(layout: Layout) -> None:
    """Ends a supervisor that runs but does not answer."""
    try:
        process = psutil.Process(int((layout.run / "supervisord.pid").read_text()))
        ours = (
            Path(process.cwd()) == layout.run.resolve() and layout.supervisor_config.name in process.cmdline()
        )
    except (OSError, ValueError, psutil.Error):
        return
    if ours:
        with contextlib.suppress(psutil.Error):
            process.kill()
            processes.wait_gone([process], 10.0)
