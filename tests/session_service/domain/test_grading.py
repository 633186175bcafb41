"""When an answer is right."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_service.domain.grading import AnswerKey, Grade, grade, normalise


def right(given_answer: str, *accepted: str) -> bool:
    return grade(AnswerKey("exercises/1", accepted), given_answer).correct


@pytest.mark.parametrize(
    ("given_answer", "accepted"),
    [
        ("hable", "hable"),
        ("HABLE", "hable"),
        ("  hable\n", "hable"),
        ("yo \t  hablo", "yo hablo"),
        ("yo\u00a0hablo", "yo hablo"),
        ("\u3000hablo\u2003", "hablo"),
        ("adio\u0301s", "adi\u00f3s"),
        ("adi\u00f3s", "adio\u0301s"),
        ("ADIO\u0301S", "adi\u00f3s"),
        ("STRASSE", "straße"),
        ("Straẞe", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("i\u0307stanbul", "İstanbul"),
        ("ǰ", "J\u030c"),
        ("", " "),
    ],
)
def test_case_composition_and_white_space_make_no_difference(given_answer: str, accepted: str) -> None:
    assert right(given_answer, accepted)


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        ([*"'\u2019\u2018\u02bc\u2032\u00b4`\uff07"], "s{}il vous plaît"),
        ([*'"\u201c\u201d\u201e\u00ab\u00bb\u2033\uff02'], "{}hola{}"),
        ([*"-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d\ufe63"], "peut{}être"),
        ([*" \u00a0\u2009\u202f\u3000\t\n\u1680", "\u2003 "], "yo{}hablo"),
        ([*"!\uff01"], "¡hola{}"),
        ([*"a\uff21\uff41"], "c{}sa"),
        ([*"7\uff17"], "{} días"),
        (["\u30ac", "\uff76\uff9e", "\u30ab\u3099"], "{}ラス"),
        ([*"\u30ab\uff76"], "{}メラ"),
    ],
)
def test_what_a_keyboard_chooses_makes_no_difference(kinds: list[str], sentence: str) -> None:
    for one in kinds:
        for other in kinds:
            assert right(sentence.replace("{}", one), sentence.replace("{}", other))


@pytest.mark.parametrize(
    ("given_answer", "accepted"),
    [
        ("cest", "c'est"),
        ("c-est", "c'est"),
        ('"c\'est"', "c'est"),
        ("peutêtre", "peut-être"),
        ("mi\u200cravam", "miravam"),
        ("カ", "ガ"),
        ("adios", "adiós"),
        ("ano", "año"),
        ("esta", "está"),
        ("istanbul", "İstanbul"),
        ("\u0131l\u0131k", "ilik"),
        ("yohablo", "yo hablo"),
        ("hable.", "hable"),
        ("ﬁn\u200b", "fin"),
        ("", "hable"),
        ("²", "2"),
    ],
)
def test_accents_letters_and_marks_count(given_answer: str, accepted: str) -> None:
    assert not right(given_answer, accepted)


def test_any_of_several_accepted_answers_is_right_and_the_first_is_shown() -> None:
    key = AnswerKey("exercises/1", ("hable", "hablase"), "Use the subjunctive.")
    assert grade(key, "HABLASE") == Grade(True, "hable", "Correct!")
    assert grade(key, "hable").correct
    assert not grade(key, "habla").correct


def test_a_wrong_answer_is_told_the_right_one_and_why() -> None:
    key = AnswerKey("exercises/1", ("hable",), "Use the subjunctive.")
    assert grade(key, "habla") == Grade(
        False, "hable", "Not quite: the answer is 'hable'. Use the subjunctive."
    )
    assert (
        grade(AnswerKey("exercises/1", ("hable",)), "habla").feedback == "Not quite: the answer is 'hable'."
    )


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_equals_itself_composed_decomposed_and_spaced(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(unicodedata.normalize("NFC", text))
    assert normalise(f" {text}\u00a0\t") == normalise(text)
    assert right(text, text)
