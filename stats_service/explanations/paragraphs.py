"""Explanations in plain English: one paragraph for a learner to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from stats_service.domain.badges import BadgeContent
from stats_service.domain.calendar import Calendar
from stats_service.domain.completion import ALL_PRODUCTS
from stats_service.domain.periods import Cadence
from stats_service.domain.protection import KeepReason, PlannedPause, ProtectedPeriod, Repaired
from stats_service.domain.standing import Tally
from stats_service.domain.streaks import RULES_VERSION, Run
from stats_service.explanations.domain import BreakExplanation, SessionAsOf, StreakExplanation, ending

# Both ends included.
Span = tuple[date, date]

# How many clocks a paragraph names.
_MOST_CALENDARS = 3
_UNDER_RULES = f", under version {RULES_VERSION} of the rules"
_ADJECTIVES: Mapping[Cadence, str] = {"day": "", "week": "weekly ", "month": "monthly "}
_KEPT: Mapping[str, str] = {
    KeepReason.REST: "day of rest",
    KeepReason.PAUSE: "day of a planned pause",
    KeepReason.CALENDAR_CHANGE: "day cut short by a change of time zone or rollover hour",
    KeepReason.SKIPPED: "day that the time zone skipped",
    KeepReason.REPAIR: "day that was repaired",
    KeepReason.FREEZE: "day that used a freeze",
}


def of_streak(told: StreakExplanation) -> str:
    """Returns why a streak is what it is."""
    run = told.run
    if run is None:
        return " ".join((_not_begun(told), *_left_out(told)))
    course = (_course(told, run), *_protectors(told, run), _best(told, run))
    return " ".join((*course, *_left_out(told), *_freezes(told), *_calendars(told)))


def _not_begun(told: StreakExplanation) -> str:
    name = name_of(told.practice.product, told.cadence)
    if told.practice.days:
        return f"Your {name} has not begun: what was practised is from before you signed up."
    return f"Your {name} has not begun: until {in_words(told.on)} no practice is known that counts."


def _left_out(told: StreakExplanation) -> Sequence[str]:
    """Returns what of the practice is in no streak, and why."""
    practice = told.practice
    parts = []
    if practice.left_out:
        parts.append(
            f"{counted(len(practice.left_out), 'day')} from before you signed up, of which nothing was synced"
        )
    if practice.idle:
        parts.append(f"{counted(len(practice.idle), 'day')} on which sessions ended without an answer")
    return [f"Left out: {', and '.join(parts)}."] if parts else []


def of_break(told: BreakExplanation, outcomes: Collection[str] = ()) -> str:
    """Returns what a day did to a streak; `outcomes` are how sessions of the day ended that do not count."""
    name, day = name_of(told.practice.product, "day"), in_words(told.day)
    match told.verdict:
        case "practised":
            return f"{day} did not break your {name}: there was practice that counts."
        case "kept" if told.cause is not None:
            cause = _cause(told.cause)
            return f"{day} did not break your {name}, though there was no practice that counts: {cause}."
        case "not_over":
            return f"{day} has not broken your {name}: on the day that this is told, it is not over."
        case "before_sign_up":
            early = f"{day} is from before you signed up, and nothing of it was synced"
            return f"{early}: it is no part of your {name}."
    return f"{_of_missed(told, name, day)}{_uncounted(told, outcomes)}{_ran(told)}"


def _of_missed(told: BreakExplanation, name: str, day: str) -> str:
    run = told.run
    if run is None or run.ended_on is None:
        return f"{day} broke nothing: your {name} had not begun."
    if told.verdict == "no_streak":
        ended = in_words(run.ended_on)
        return f"{day} broke nothing: your {name} had ended before, when {ended} passed without practice."
    length, began = counted(run.length, "day"), in_words(run.first)
    return (
        f"Your {name} of {length} began on {began} and ended when {day} passed without practice that counts:"
        f" it was no rest day, no pause was planned, nothing else kept it, and no freeze was held."
    )


def _uncounted(told: BreakExplanation, outcomes: Collection[str]) -> str:
    if told.day in told.practice.left_out:
        return " What was practised on that day is from before you signed up, and was not synced."
    if not outcomes:
        return ""
    ended = " or ".join(sorted(set(map(ending, outcomes))))
    return f" What was practised on that day was {ended}, which does not count."


def name_of(product: str, cadence: Cadence) -> str:
    """Returns what a streak is called."""
    kind = f"{_ADJECTIVES[cadence]}streak"
    return f"{kind} over all products" if product == ALL_PRODUCTS else f"{product} {kind}"


def in_words(day: date) -> str:
    """Returns a day such as `3 May 2026`."""
    return f"{day.day} {day:%B} {day.year}"


def counted(number: int, noun: str) -> str:
    """Returns a number of things: `1 day`, `2 days`."""
    first, _, rest = noun.partition(" ")
    # Of `day of a pause` the day is what is counted.
    many = first if number == 1 else f"{first}s"
    return f"{number:,} {many} {rest}".rstrip()


def _course(told: StreakExplanation, run: Run) -> str:
    length = counted(run.length, told.cadence)
    name = name_of(told.practice.product, told.cadence)
    begun = f"Your {name} of {length} began {_in(told.cadence, run.first)}"
    if run.ended_on is None:
        last = _in(told.cadence, run.last)
        return f"{begun} and is alive on {in_words(told.on)}: the last practice that counts was {last}."
    missed = _period(told.cadence, run.ended_on)
    return f"{begun} and ended when {missed} passed without practice, and nothing kept it."


def _protectors(told: StreakExplanation, run: Run) -> Sequence[str]:
    if not run.protected:
        return []
    gaps = counted(len(run.protected), told.cadence)
    if told.cadence != "day":
        return [f"It was kept over {gaps} without practice."]
    reasons = Counter(kept.reason for kept in run.protected)
    listed = ", ".join(counted(number, _KEPT[reason]) for reason, number in sorted(reasons.items()))
    return [f"It was kept over {gaps} without practice: {listed}."]


def _best(told: StreakExplanation, run: Run) -> str:
    best = told.best
    if best is None or best.length == run.length:
        return "No streak before it was longer."
    first, last = _in(told.cadence, best.first), _in(told.cadence, best.last)
    length = counted(best.length, told.cadence)
    return f"The longest so far has {length}: its first practice was {first}, its last {last}."


def _freezes(told: StreakExplanation) -> Sequence[str]:
    return [f"You hold {counted(told.held, 'freeze')}."] if told.cadence == "day" and told.held else []


def _calendars(told: StreakExplanation) -> Sequence[str]:
    in_force = [calendar for _, calendar in told.practice.calendars_between(*told.span)] if told.span else []
    if not in_force:
        return []
    # Of somebody who flies every week, the first and the last are enough to read.
    shown = in_force if len(in_force) <= _MOST_CALENDARS else [in_force[0], in_force[-1]]
    clocks = ", later by ".join(map(_calendar, shown))
    return [f"Its days ran by {clocks}{_UNDER_RULES}."]


def _cause(cause: ProtectedPeriod) -> str:
    match cause.entry, cause.transition:
        case PlannedPause() as pause, _:
            return f"a pause was planned from {in_words(pause.first)} to {in_words(pause.last)}"
        case Repaired() as repair, _:
            return f"it was repaired on {in_words(repair.recorded_at.date())} ({repair.reason})"
        case _, transition if transition is not None:
            before, after = _calendar(transition.before), _calendar(transition.after)
            return f"your days turned from {before} to {after}, which cut it short"
    return {
        KeepReason.REST: "it was one of your rest days",
        KeepReason.SKIPPED: "your time zone skipped it",
        KeepReason.FREEZE: "it used a freeze",
    }[cause.reason]


def _ran(told: BreakExplanation) -> str:
    calendars = told.practice.calendars_between(told.day, told.day)
    if not calendars:
        return ""
    return f" The day ran by {_calendar(calendars[0][1])}{_UNDER_RULES}."


def _calendar(calendar: Calendar) -> str:
    turning = f", turning at {calendar.rollover_hour:02}:00" if calendar.rollover_hour else ""
    return f"the clock of {calendar.time_zone}{turning}"


def _in(cadence: Cadence, period: date) -> str:
    return f"{'on' if cadence == 'day' else 'in'} {_period(cadence, period)}"


def _period(cadence: Cadence, period: date) -> str:
    if cadence == "month":
        return f"{period:%B} {period.year}"
    return f"the week of {in_words(period)}" if cadence == "week" else in_words(period)


def of_badge(
    badge: BadgeContent, session: SessionAsOf | None, values: Mapping[str, int | str], *, earned: bool
) -> str:
    """Returns which session earned a badge, or how far its condition is."""
    name, condition = badge.name, f"{badge.condition}{_window(badge)}"
    locked = " It is locked: nobody earns it any more." if badge.state == "locked" else ""
    if session is None:
        none = f"You have not earned “{name}”: no practice counts for it yet."
        return f"{none} It asks for {condition}.{locked}"
    told = " and ".join(f"{variable} was {value}" for variable, value in values.items())
    ended = (
        f"session {session.session_id} of {session.product}, which ended on {in_words(session.local_date)}"
        f" ({session.time_zone})"
    )
    doubt = " That session told more time than had passed: what passed counts." if session.implausible else ""
    if earned:
        return f"You earned “{name}” with {ended}: it asks for {condition}, and {told}.{doubt}"
    return f"You have not earned “{name}”: it asks for {condition}, and at {ended}, {told}.{doubt}{locked}"


def _window(badge: BadgeContent) -> str:
    first, last = badge.first_day, badge.last_day
    if first is not None and last is not None:
        return f" from {in_words(first)} to {in_words(last)}"
    if first is not None:
        return f" from {in_words(first)} on"
    return f" until {in_words(last)}" if last is not None else ""


def of_total(
    product: str,
    total: Tally,
    day_count: int,
    span: Span | None,
    left_out: Mapping[str, int],
    *,
    cut: tuple[int, int] = (0, 0),
) -> str:
    """Returns what a total is made of.

    `left_out` are sessions that are not in it, by how they ended; `cut` are how
    many told more time than counts, and how many seconds more.
    """
    what = "total over all products" if product == ALL_PRODUCTS else f"{product} total"
    others = ", ".join(f"{number:,} {ending(outcome)}" for outcome, number in sorted(left_out.items()))
    out = counted(sum(left_out.values()), "session")
    rest = f" Not in it: {out} that ended in a way that does not count ({others})." if left_out else ""
    if span is None:
        return f"Your {what} is empty: no practice is known that counts.{rest}"
    right = f"{counted(total.answer_count, 'answer')}, {total.correct_answer_count:,} of them right"
    answers = f", {right}" if total.answer_count else ""
    return (
        f"Your {what} is made of {counted(total.session_count, 'session')} on {counted(day_count, 'day')}"
        f" from {in_words(span[0])} to {in_words(span[1])}: {_hours(total.elapsed_seconds)} practised"
        f"{answers}.{_cut(*cut)}{rest}"
    )


def _cut(sessions: int, seconds: int) -> str:
    if not sessions:
        return ""
    return (
        f" Not in it: {_hours(seconds)} that {counted(sessions, 'session')} told beyond the time that passed,"
        f" or beyond the 24 hours of a day."
    )


def _hours(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:,} h {minutes} min"
