"""Conditions: what is one, what is refused and why, and that columns and CEL mean the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats_service.adapters.cel.conditions import LONGEST, compile_condition, published_condition
from stats_service.domain.badges import BadgeCatalogue, BadgeVersion
from stats_service.domain.completion import Completion
from stats_service.domain.conditions import SESSION_FACTS, SUMS, Condition, ConditionError
from stats_service.domain.derivation import derive
from stats_service.domain.facts import Facts
from tests.stats_service.facts import completion

TEXTS = ("product", "outcome", "mode", "content")
NUMBERS = sorted(set(SESSION_FACTS) - set(TEXTS))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "needs 1 to"),
        ("  \n", "needs 1 to"),
        ("total.sessions >= 1 && " * 60 + "true", f"needs 1 to {LONGEST}"),
        ("total.sessions >=", "is no CEL expression"),
        ("total.sessions + 1", "is no yes-or-no question"),
        ("true", "speaks of no variable"),
        ("focus.smiles > 1", "'focus.smiles' is no variable; focus has sessions, seconds"),
        ("session.best_streak > 1", "'session.best_streak' is no variable; session has product"),
        ("sessions > 1", "'sessions' is no variable: write it with its scope"),
        ('total["sessions"] > 1', "'total' is no variable"),
        ('session.hour == "seven"', "compares 'session.hour' with something other than a whole number"),
        ("session.product != 3", "compares 'session.product' with something other than a text"),
        # The probes never come to the second comparison.
        ('total.sessions > 2000000 && session.hour > "x"', "compares 'session.hour'"),
        ("session.answers / session.correct_answers > 2", "cannot be answered"),
        ("session.mode.soundsLike('review')", "cannot be answered"),
        ("all.sessions > 1", "all products together are total.sessions"),
        # Loops over names that are scopes too, for years.
        (
            "total.days > 0 && " + "[0,0,0,0,0,0,0,0,0,0].all(total, " * 20 + "true" + ")" * 20,
            "uses all(), which may take too long",
        ),
        ("[1, 2]. // not seen\n map (total, total.days).size() > 0", "uses map()"),
        ("session.mode == 'a' && session.exists(total, total != '')", "uses exists()"),
        ("session.mode.matches('(\\\\pL{9}){9}')", "uses matches()"),
        # Quotes of every kind hide what is in them, and nothing else.
        (r"session.mode == r'\' || focus.smiles > 1 || session.mode == 'x'", "'focus.smiles' is no variable"),
        ("session.mode == '''it's''' || focus.smiles > 1", "'focus.smiles' is no variable"),
        ("total.days > 1 || // it's\n focus.smiles > 1", "'focus.smiles' is no variable"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ConditionError) as refused:
        compile_condition(text)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("name", SUMS)
def test_every_sum_can_be_asked_for_in_a_product_and_over_all(name: str) -> None:
    for scope in ("total", "focus", "any_product"):
        assert compile_condition(f"{scope}.{name} >= 3").variables == {(scope, name)}


@pytest.mark.parametrize("name", SESSION_FACTS)
def test_every_fact_of_a_session_can_be_asked_for(name: str) -> None:
    constant = '"x"' if name in TEXTS else "3"
    assert compile_condition(f"session.{name} == {constant}").variables == {("session", name)}


@pytest.mark.parametrize(
    "text",
    [
        'session.content == "total.smiles"',
        r"session.content == r'total.smiles \'",
        r"session.content == 'it\'s total.smiles'",
        'session.content == """a "total.smiles" map(x)"""',
        "session.content == 'http://total.smiles'",
        "session.content == '' // or total.smiles",
    ],
)
def test_a_text_that_looks_like_a_variable_is_none(text: str) -> None:
    assert compile_condition(text).variables == {("session", "content")}


def test_a_question_that_cannot_be_answered_is_not_met() -> None:
    """The right answers are 0 only where the probes do not look."""
    text = "session.answers % (session.correct_answers + 5) == 0"
    condition = compile_condition(text)
    assert condition.holds({"session": {"answers": 10, "correct_answers": 0}})
    assert not condition.holds({"session": {"answers": 10, "correct_answers": -5}})


comparisons = st.one_of(
    st.builds(
        "{}.{} {} {}".format,
        st.sampled_from(["total", "focus", "yoga", "chess"]),
        st.sampled_from(sorted(SUMS)),
        st.sampled_from([">=", "<=", ">", "<", "==", "!="]),
        st.sampled_from([-1, 0, 1, 2, 3, 7, 50, 1500, 4000]),
    ),
    st.builds(
        "session.{} {} {}".format,
        st.sampled_from(NUMBERS),
        st.sampled_from([">=", "<=", ">", "<", "==", "!="]),
        st.sampled_from([0, 1, 5, 6, 12, 25, 60, 100, 1500]),
    ),
    st.builds(
        'session.{} {} "{}"'.format,
        st.sampled_from(TEXTS),
        st.sampled_from([">=", "<=", ">", "<", "==", "!="]),
        st.sampled_from(["", "focus", "yoga", "review", "é", "\U0001f600"]),
    ),
)


@st.composite
def practised(draw: st.DrawFn) -> list[Completion]:
    """Some sessions of one learner."""
    start = date(2026, 2, 1)
    return [
        completion(
            user_seq=place,
            product=draw(st.sampled_from(["focus", "yoga"])),
            local_date=start + timedelta(days=draw(st.integers(0, 8))),
            elapsed_seconds=draw(st.sampled_from([0, 59, 1500, 4000])),
            answer_count=answers,
            correct_answer_count=draw(st.integers(0, answers)),
            mode=draw(st.sampled_from(["", "review", "é"])),
            local_minute=draw(st.integers(0, 1439)),
        )
        for place, answers in enumerate(draw(st.lists(st.integers(0, 9), max_size=8)), start=1)
    ]


@given(practised(), st.lists(comparisons, min_size=1, max_size=3))
def test_what_is_compared_by_the_column_means_what_cel_means(
    facts: list[Completion], terms: list[str]
) -> None:
    condition = compile_condition(" && ".join(terms))
    assert condition.terms is not None
    asked = replace(condition, terms=None)
    assert earned(facts, condition) == earned(facts, asked)


joined = st.recursive(
    comparisons,
    lambda parts: st.tuples(parts, st.sampled_from(["&&", "||"]), parts, st.booleans()).map(
        lambda each: "({} {} {})".format(*each[:3]) if each[3] else "{} {} {}".format(*each[:3])
    ),
    max_leaves=6,
)


@given(practised(), joined)
def test_what_is_joined_in_any_way_means_by_the_column_what_cel_means(
    facts: list[Completion], text: str
) -> None:
    condition = compile_condition(text)
    assert condition.terms is not None
    assert earned(facts, condition) == earned(facts, replace(condition, terms=None))


@pytest.mark.parametrize("text", ["!(total.days > 1)", "total.days > 1 && (total.days + 1 > 3)"])
def test_anything_more_is_left_to_cel(text: str) -> None:
    assert compile_condition(text).terms is None


def earned(facts: list[Completion], condition: Condition) -> list[int]:
    catalogue = BadgeCatalogue(1, (BadgeVersion(badge_id="badge", version=1, condition=condition),))
    awards = derive(Facts.of(facts), {}, catalogue).awards
    return list(awards.seq.tolist())


@pytest.mark.parametrize("text", ["total.days >= 3", "total.days * 2 > session.answers"])
@pytest.mark.parametrize("days", [1, 2, 3])
def test_a_published_condition_says_what_it_did_when_it_was_judged(text: str, days: int) -> None:
    judged, published = compile_condition(text), published_condition(text)
    assert (published.variables, published.terms) == (judged.variables, judged.terms)
    variables = {"total": {"days": days}, "session": {"answers": 4}}
    assert published.holds(variables) == judged.holds(variables) == (days == 3)


def test_a_published_condition_that_is_refused_by_now_stands_in_nobodys_way() -> None:
    refused = "session.content.matches('^a')"
    with pytest.raises(ConditionError):
        compile_condition(refused)
    assert published_condition(refused).holds({"session": {"content": "abc"}})
    assert not published_condition("total.days >").holds({"total": {"days": 1}})


def test_whoever_compiles_nothing_loads_no_command_line() -> None:
    program = "import sys, stats_service.adapters.cel.conditions; sys.exit('cel' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
