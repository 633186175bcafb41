"""Names that the end-to-end tests use; the fixtures are in `tests/stack.py`."""

from __future__ import annotations

from tests.stack import SESSION_PROCESSES, Learner, MakeLearner, start_stack

__all__ = ["SESSION_PROCESSES", "Learner", "MakeLearner", "start_stack"]
