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
    ("given_answer", "accepted"),
    [
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
