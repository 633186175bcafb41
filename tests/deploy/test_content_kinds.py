"""Faults in activities, sequences, problems and achievements are found where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.content_services import ACHIEVEMENT, ACTIVITY, PROBLEM, SEQUENCE, faults_of, write

FILES = {
    "activities/basic.yaml": ACTIVITY,
    "sequences/everyday.yaml": SEQUENCE,
    "problems/reading.yaml": PROBLEM,
    "achievements.yaml": ACHIEVEMENT,
}


def found(directory: Path, file: str, old: str, new: str) -> list[tuple[str, int, str]]:
    """Returns the faults of a well-written file in which one thing was changed."""
    assert FILES[file].count(old) == 1
    text = FILES[file].replace(old, new)
    return faults_of(write(directory, **{file.removesuffix(".yaml").replace("/", "__"): text}))


def test_well_written_files_have_no_faults(tmp_path: Path) -> None:
    texts = {file.removesuffix(".yaml").replace("/", "__"): text for file, text in FILES.items()}
    assert faults_of(write(tmp_path, **texts)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  title: Basic Vocabulary\n", "", 1, "title is missing"),
        ("id: 123", "id: basic", 1, "id must be a whole number in plain digits"),
        ("type: flashcards", "type: dominoes", 3, "type must be one of flashcards, not 'dominoes'"),
        ("language: en\n", "language: English\n", 4, "language must be a language tag"),
        ("translation_language: es", "translation_language: e", 5, "translation_language must be a language"),
        ("id: en-hello", "id: Hello!", 7, "id must be small letters, digits and single hyphens"),
        ("word: hello, ", "", 7, "word is missing"),
        ("word: hello", "word: no", 7, 'word must be text; put it in quotes: "no"'),
        (
            "word: hello",
            "word: hello, note: formal",
            7,
            "note is not a field; the fields are id, word, trans",
        ),
        ("word: hello", "word: hello, word: hi", 7, "word is given twice in one entry, first on line 7"),
        ("translations: [hola]", "translations: hola", 7, "translations must be a list, such as [hable]"),
        ("translations: [hola]", "translations: []", 7, "translations must have from 1 to 20 entries, not 0"),
        ("[easy, medium]", "[simple]", 7, "difficulties must be one of easy, medium, hard, not 'simple'"),
        ("[easy, medium]", "[]", 7, "difficulties must have from 1 to 3 entries, not 0"),
        ("[easy, medium]", "[easy, easy]", 7, "difficulties must not have 'easy' twice"),
        ("[easy, medium]", "easy", 7, "difficulties must be a list, such as [easy]"),
        ("id: en-goodbye", "id: en-hello", 8, "id en-hello is taken already, at "),
        ("word: goodbye", "word: Hello", 8, "word 'Hello' is in these words already, on line 7"),
        ("      word: goodbye\n", "", 8, "word is missing"),
        ("[adiós, chao]", "[adiós, Adiós]", 10, "translations must not have 'Adiós' twice"),
        ("[adiós, chao]", "['adiós ']", 10, "translations must not begin or end with a space"),
        (
            "    - id: en-goodbye",
            "    - hello\n    - id: en-goodbye",
            8,
            "must be an entry with the fields id, w",
        ),
    ],
)
def test_each_fault_of_an_activity_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    ((file, at, told),) = found(tmp_path, "activities/basic.yaml", old, new)
    assert (file, at) == ("activities/basic.yaml", line)
    assert told.startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("words: hello", "words must be a list of words, each beginning with '- id:'"),
        ("words: []", "words must have from 1 to 2,000 entries, not 0"),
        ("words:", "words must be a list of words, each beginning with '- id:'"),
    ],
)
def test_an_activity_without_words_is_a_fault(tmp_path: Path, words: str, message: str) -> None:
    head = ACTIVITY[: ACTIVITY.index("words:")]
    assert faults_of(write(tmp_path, activities__basic=f"{head}{words}\n")) == [
        ("activities/basic.yaml", 6, message)
    ]


def test_words_of_two_activities_cannot_have_one_id_but_may_be_asked_alike(tmp_path: Path) -> None:
    other = ACTIVITY.replace("123", "124").replace("en-goodbye", "en-fr-goodbye")
    directory = write(tmp_path, activities__basic=ACTIVITY, activities__other=other)
    assert faults_of(directory) == [
        (
            "activities/other.yaml",
            7,
            f"id en-hello is taken already, at {directory}/activities/basic.yaml:7",
        )
    ]


def test_two_words_on_one_line_cannot_have_one_id(tmp_path: Path) -> None:
    word = "{id: en-hi, word: WORD, translations: [hola], difficulties: [easy]}"
    head = ACTIVITY[: ACTIVITY.index("words:")]
    text = f"{head}words: [{word.replace('WORD', 'hi')}, {word.replace('WORD', 'hey')}]\n"
    ((_, line, message),) = faults_of(write(tmp_path, activities__basic=text))
    assert line == 6
    assert message.startswith("id en-hi is taken already")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("id: 123", "id: 0", 1, "id must be from 1 to 999,999,999,999,999,999, not 0"),
        ("description: Wakes the spine.", "description:", 3, "description must be text"),
        ("difficulty: easy", "difficulty: gentle", 4, "difficulty must be one of easy, medium, hard"),
        ("    - title: Mountain Pose\n      sanskrit", "    - sanskrit", 6, "title is missing"),
        ("sanskrit: Tadasana", "sanskrit:", 7, "sanskrit must be text"),
        ("seconds: 45", "seconds: 4", 8, "seconds must be from 5 to 1,200, not 4"),
        ("seconds: 45", "seconds: 1:30", 8, "seconds must be a whole number in plain digits"),
        ("seconds: 120", "seconds: 1201", 11, "seconds must be from 5 to 1,200, not 1201"),
        ("cue: Grow tall.", f"cue: {'a' * 501}", 9, "cue must be at most 500 characters, not 501"),
        ("      seconds: 120\n", "", 10, "seconds is missing"),
    ],
)
def test_each_fault_of_a_sequence_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    ((file, at, told),) = found(tmp_path, "sequences/everyday.yaml", old, new)
    assert (file, at) == ("sequences/everyday.yaml", line)
    assert told.startswith(message)


def test_a_sequence_has_at_most_a_hundred_poses_and_may_repeat_them(tmp_path: Path) -> None:
    rest = SEQUENCE[SEQUENCE.index("    - title: Rest") :]
    assert faults_of(write(tmp_path, sequences__everyday=SEQUENCE + rest * 98)) == []
    assert faults_of(write(tmp_path, sequences__everyday=SEQUENCE + rest * 99)) == [
        ("sequences/everyday.yaml", 6, "poses must have from 1 to 100 entries, not 101")
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("key: url-shortener", "key: URL", 1, "key must be small letters, digits and single hyphens"),
        ("key: url-shortener", f"key: {'a' * 65}", 1, "key must be at most 64 characters, not 65"),
        ("title: Short links", f"title: {'a' * 201}", 2, "title must be at most 200 characters, not 201"),
        ("difficulty: easy", "difficulty: evil", 4, "difficulty must be one of easy, medium, hard"),
        ("[Storage]", "[]", 5, "categories must have from 1 to 20 entries, not 0"),
        ("estimated_time: 45 mins", "estimated_time: 45", 6, "estimated_time must be text; put it in quotes"),
        ("[Shorten]", "Shorten", 7, "requirements must be a list"),
        ("[Seven characters]", "[yes]", 8, 'constraints must be text; put it in quotes: "yes"'),
        ("  hints: [Count]\n", "", 1, "hints is missing"),
    ],
)
def test_each_fault_of_a_problem_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    ((file, at, told),) = found(tmp_path, "problems/reading.yaml", old, new)
    assert (file, at) == ("problems/reading.yaml", line)
    assert told.startswith(message)


def test_a_problems_key_used_twice_is_a_fault(tmp_path: Path) -> None:
    directory = write(tmp_path, problems__a=PROBLEM, problems__b=PROBLEM)
    message = f"key url-shortener is taken already, at {directory}/problems/a.yaml:1"
    assert faults_of(directory) == [("problems/b.yaml", 1, message)]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("id: sharp-mind", "id: Sharp Mind", 1, "id must be small letters, digits and single hyphens"),
        (
            "product: portal",
            "product: all",
            2,
            "product must be one of exercises, focus, portal, yoga, design",
        ),
        ("type: accuracy", "type: Accuracy", 3, "type must be small letters, digits and single hyphens"),
        ("metric: success_rate", "metric: luck", 6, "metric must be one of success_rate, answered_items"),
        ("threshold: 0.8", "threshold: 0", 7, "threshold must be above 0 and up to 1,000,000, not 0"),
        ("threshold: 0.8", "threshold: -0.8", 7, "threshold must be above 0 and up to 1,000,000, not -0.8"),
        ("threshold: 0.8", "threshold: 80%", 7, "threshold must be a number in plain digits, such as 0.8"),
        ("threshold: 0.8", "threshold: .inf", 7, "threshold must be a number in plain digits, such as 0.8"),
        ("threshold: 0.8", 'threshold: "0.8"', 7, "threshold must be a number in plain digits, such as 0.8"),
        (
            "threshold: 0.8",
            "threshold: 80",
            7,
            "threshold must be at most 1 when metric is success_rate, not 80",
        ),
    ],
)
def test_each_fault_of_an_achievement_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    ((file, at, told),) = found(tmp_path, "achievements.yaml", old, new)
    assert (file, at) == ("achievements.yaml", line)
    assert told.startswith(message)


def test_a_count_of_words_may_be_above_one(tmp_path: Path) -> None:
    text = ACHIEVEMENT.replace("success_rate", "mastered_items").replace("0.8", "20")
    assert faults_of(write(tmp_path, achievements=text)) == []
