"""The rows of the bench by name: each measures one family of goals."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.context import Context
from benchmarks.measure import Outcome
from benchmarks.rows.answers import measure_answers, measure_sessions
from benchmarks.rows.autosave import measure_autosave
from benchmarks.rows.completions import measure_completions
from benchmarks.rows.grpc import measure_grpc
from benchmarks.rows.sync import measure_sync

# In the order of the goals, but for those that need the shared platform stopped: they come last.
ROWS: dict[str, Callable[[Context], Outcome]] = {
    "answers": measure_answers,
    "grpc": measure_grpc,
    "sessions": measure_sessions,
    "completions": measure_completions,
    "sync": measure_sync,
    "autosave": measure_autosave,
}
