"""The rows of the bench by name: each measures one family of goals."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.context import Context
from benchmarks.measure import Outcome
from benchmarks.rows.answers import measure_answers, measure_sessions
from benchmarks.rows.autosave import measure_autosave
from benchmarks.rows.backlog import measure_backlog
from benchmarks.rows.completions import measure_completions
from benchmarks.rows.grpc import measure_grpc
from benchmarks.rows.history import measure_history
from benchmarks.rows.listeners import measure_listeners
from benchmarks.rows.rebuild import measure_rebuild
from benchmarks.rows.soak import measure_soak
from benchmarks.rows.startup import measure_startup
from benchmarks.rows.sync import measure_sync
from benchmarks.rows.weight import measure_weight

# In the order of the goals, but for those that need the shared platform stopped: they come last.
ROWS: dict[str, Callable[[Context], Outcome]] = {
    "answers": measure_answers,
    "grpc": measure_grpc,
    "sessions": measure_sessions,
    "completions": measure_completions,
    "backlog": measure_backlog,
    "sync": measure_sync,
    "autosave": measure_autosave,
    "soak": measure_soak,
    "listeners": measure_listeners,
    "history": measure_history,
    "startup": measure_startup,
    "rebuild": measure_rebuild,
    "weight": measure_weight,
}
