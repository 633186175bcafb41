"""Answers and whole sessions by REST: learners who ask as fast as they are answered."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.load.plan import Result
from benchmarks.load.scenarios import ANSWERS_OF_A_SESSION
from benchmarks.measure import Goal, Line, Outcome, Spread, best, ratio, take_turns
from benchmarks.platform import Platform, running_baselines
from benchmarks.rows.rest import baseline_sides, compare, compare_soon, of_quantiles, platform_side

RATES = {16: Goal(2.5, 3.5), 64: Goal(3, 4)}
# p99 against that of the better baseline.
P99 = {16: Goal(1, 1, at_most=True), 64: Goal(0.333, 0.333, at_most=True)}
SESSION_CPU = Goal(0.9, 0.6, "ms", at_most=True)
SESSIONS = Goal(2, 3)
SESSION_CONNECTIONS = 16


def measure_answers(context: Context) -> Outcome:
    """Measures 16 and 64 connections, and what the session service uses at 64."""
    outcome = Outcome()
    platform = context.platform
    with running_baselines(platform, context.workers) as baselines:
        for connections, rate in RATES.items():
            name = f"answers, {connections} connections"
            learners = platform.learners(context.shrunk(connections))
            ours = platform_side(
                context, "answers", learners, lambda it: check_answers(platform, it), name=name
            )
            others = baseline_sides(
                context, baselines, "answers", learners, lambda it: _check_baseline(platform, it), name=name
            )
            take_turns([ours, *others], context.rounds, context.say)
            outcome.sides += [ours, *others]
            other = best(others)
            outcome.lines += [
                Line(
                    f"answers by REST, {connections} connections",
                    f"{ours.spread().text()} /s",
                    f"{other.name}: {other.spread().text()} /s",
                    ratio(ours, other),
                    rate,
                ),
                Line(
                    f"p99 of them, {connections} connections",
                    f"{ours.quantile(0.99).text(1)} ms",
                    f"{other.name}: {other.quantile(0.99).text(1)} ms",
                    of_quantiles(ours, other, 0.99),
                    P99[connections],
                ),
            ]
        used = Spread.of([each.cpu.get("session", 0.0) for each in ours.rounds])
        work = f"CPU of the session service per answer, {connections} connections"
        outcome.lines.append(Line(work, f"{used.text(2)} ms", "", used, SESSION_CPU))
    outcome.notes.append(
        "Answers by REST: `POST /exercises/submit` with a token, every third answer wrong. Of the baselines,"
        " the number of worker processes that did more. Each answer was found in the database afterwards, and"
        " counted in its session."
    )
    return outcome


def measure_sessions(context: Context) -> Outcome:
    """Measures a start, ten answers and an end that statistics include."""
    outcome = Outcome()
    platform = context.platform
    name = f"whole sessions, {SESSION_CONNECTIONS} connections"
    with running_baselines(platform, context.workers) as baselines:
        learners = platform.learners(context.shrunk(SESSION_CONNECTIONS))
        ours = platform_side(
            context, "sessions", learners, lambda it: check_sessions(platform, it), name=name
        )
        others = baseline_sides(
            context,
            baselines,
            "sessions",
            learners,
            lambda it: _check_baseline_sessions(platform, it),
            name=name,
        )
        take_turns([ours, *others], context.rounds, context.say)
    other = best(others)
    outcome.sides += [ours, *others]
    outcome.lines.append(
        Line(
            f"start + {ANSWERS_OF_A_SESSION} answers + complete by REST",
            f"{ours.spread().text(1)} sessions/s",
            f"{other.name}: {other.spread().text(1)} /s",
            ratio(ours, other),
            SESSIONS,
        )
    )
    outcome.notes.append(
        "Whole sessions: `/exercises/session/start`, ten times `/exercises/submit`, `/exercises/session/end`,"
        " which waits for statistics; the baseline counts in the transaction of the end."
    )
    return outcome


def check_answers(platform: Platform, result: Result) -> None:
    """Raises AssertionError unless each answer is recorded and counted once, as right or wrong."""
    made = list(result.made)
    sums = platform.select(
        "SELECT sum(answer_count), sum(correct_answer_count), sum(answer_count - answer_count / 3)"
        " FROM session.practice_session WHERE id = ANY(%s)",
        made,
    )
    rows = platform.select(
        "SELECT count(*), count(*) FILTER (WHERE correct) FROM session.answer WHERE session_id = ANY(%s)",
        made,
    )
    _compare(result, sums[0], rows[0])


def _check_baseline(platform: Platform, result: Result) -> None:
    made = list(result.made)
    sums = platform.select_baseline(
        "SELECT sum(total_exercises), sum(correct_answers), sum(total_exercises - total_exercises / 3)"
        " FROM practice_session WHERE id = ANY(%s)",
        made,
    )
    rows = platform.select_baseline(
        "SELECT count(*), count(*) FILTER (WHERE correct) FROM answer WHERE session_id = ANY(%s)", made
    )
    _compare(result, sums[0], rows[0])


def _compare(result: Result, sums: tuple[int, ...], rows: tuple[int, ...]) -> None:
    sent = result.done
    counted, right, right_of_counted = sums
    # Every third answer of a session is wrong.
    compare("answers", (rows, (counted, right)), ((sent, right_of_counted), (sent, right_of_counted)))


def check_sessions(platform: Platform, result: Result) -> None:
    """Raises AssertionError unless every session is there, complete, and in statistics."""
    made = list(result.made)
    (found,) = platform.select(
        "SELECT count(*), sum(answer_count), sum(correct_answer_count) FROM session.practice_session"
        " WHERE id = ANY(%s) AND state = 'completed'",
        made,
    )
    expected = _figures(len(made))
    compare("sessions", found, expected)
    # An end does not wait for statistics longer than a while: what is late is counted all the same.
    compare_soon("statistics", lambda: _counted(platform, made), expected)


def _counted(platform: Platform, sessions: list[int]) -> tuple[int, ...]:
    (counted,) = platform.select(
        "SELECT count(*), sum(answer_count), sum(correct_answer_count) FROM stats.completion"
        " WHERE session_id = ANY(%s)",
        sessions,
    )
    return counted


def _check_baseline_sessions(platform: Platform, result: Result) -> None:
    (found,) = platform.select_baseline(
        "SELECT count(*), sum(total_exercises), sum(correct_answers) FROM practice_session"
        " WHERE id = ANY(%s) AND state = 'completed'",
        list(result.made),
    )
    compare("sessions of the baseline", found, _figures(len(result.made)))


def _figures(sessions: int) -> tuple[int, int, int]:
    right = ANSWERS_OF_A_SESSION - ANSWERS_OF_A_SESSION // 3
    return sessions, sessions * ANSWERS_OF_A_SESSION, sessions * right
