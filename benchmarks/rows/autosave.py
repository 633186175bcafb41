"""Saving a diagram of 100 KB over and over: the same one, and one that changes each time."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.context import Context
from benchmarks.load.plan import Result
from benchmarks.load.scenarios import ELEMENTS
from benchmarks.measure import Goal, Line, Outcome, Side, best, ratio, take_turns
from benchmarks.platform import Platform, running_baselines
from benchmarks.rows.rest import baseline_sides, compare, platform_side

IDLE = {False: Goal(6, 6, "ms", at_most=True), True: Goal(12, 12, "ms", at_most=True)}
RATE = Goal(3, 3)
CONNECTIONS = 16


def measure_autosave(context: Context) -> Outcome:
    """Measures the latency of one learner alone and the throughput of many."""
    outcome = Outcome()
    platform = context.platform
    problem = _problem(platform)
    for changes, goal in IDLE.items():
        alone = _side(context, changes, 1, problem)
        take_turns([alone], context.rounds, context.say)
        outcome.sides.append(alone)
        reached = alone.quantile(0.5)
        work = f"autosave of 100 KB, {_word(changes)}, idle, median"
        outcome.lines.append(Line(work, f"{alone.spread().text()} /s", "", reached, goal, 1))
    with running_baselines(platform, context.workers) as baselines:
        for changes in IDLE:
            learners = platform.learners(context.shrunk(CONNECTIONS))
            ours = _side(context, changes, CONNECTIONS, problem)
            others = baseline_sides(
                context,
                baselines,
                "autosaves",
                learners,
                partial(_check_baseline, platform, learners),
                name=f"autosave {_word(changes)}, {CONNECTIONS} connections",
                changes=changes,
                problem_id=problem,
            )
            take_turns([ours, *others], context.rounds, context.say)
            outcome.sides += [ours, *others]
            other = best(others)
            outcome.lines.append(
                Line(
                    f"autosave of 100 KB, {_word(changes)}, {CONNECTIONS} connections",
                    f"{ours.spread().text()} /s",
                    f"{other.name}: {other.spread().text()} /s",
                    ratio(ours, other),
                    RATE,
                )
            )
    outcome.notes.append(
        f"Autosave: `PUT /design/sessions/N/autosave` with a diagram of {ELEMENTS} elements; unchanged"
        " means that the diagram is the stored one and only the time worked is another. The baseline"
        " parses what it is sent and leaves to the ORM what changed: it, too, writes no diagram that is"
        " the stored one."
    )
    return outcome


def _side(context: Context, changes: bool, connections: int, problem: str) -> Side:
    learners = context.platform.learners(context.shrunk(connections))
    return platform_side(
        context,
        "autosaves",
        learners,
        partial(_check, context.platform, learners),
        name=f"autosave {_word(changes)}, {connections} connection{'s' * (connections > 1)}",
        changes=changes,
        problem_id=problem,
    )


def _word(changes: bool) -> str:
    return "changed" if changes else "unchanged"


def _problem(platform: Platform) -> str:
    path = "/design/problems/search/query?q=url+shortener"
    with urllib.request.urlopen(f"{platform.stack.gateway_url}{path}") as answer:
        return str(json.load(answer)["problems"][0]["id"])


# Of the last session of each learner: which diagram is stored, and whether it is whole.
_DRAFTS = """
    SELECT DISTINCT ON (s.user_id) (d.content::json #>> '{elements,0,x}')::integer,
        json_array_length(d.content::json -> 'elements') = %s
    FROM session.practice_session AS s
    LEFT JOIN session.draft AS d ON (d.user_id, d.session_id) = (s.user_id, s.id)
    WHERE s.user_id = ANY(%s) ORDER BY s.user_id, s.id DESC
"""
_DIAGRAMS = """
    SELECT DISTINCT ON (s.user_id) (d.content::json #>> '{elements,0,x}')::integer,
        json_array_length(d.content::json -> 'elements') = %s
    FROM practice_session AS s LEFT JOIN diagram AS d ON d.session_id = s.id
    WHERE s.user_id = ANY(%s) ORDER BY s.user_id, s.id DESC
"""


def _check(platform: Platform, learners: Sequence[int], result: Result) -> None:
    _compare(platform.select(_DRAFTS, ELEMENTS, list(learners)), result)


def _check_baseline(platform: Platform, learners: Sequence[int], result: Result) -> None:
    _compare(platform.select_baseline(_DIAGRAMS, ELEMENTS, list(learners)), result)


def _compare(rows: list[tuple[Any, ...]], result: Result) -> None:
    compare("diagrams", rows, [(version, True) for version in result.made])
