"""Content files: faults are found where they are, whatever the kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.commands.content import loading as content
from tests.deploy.content_services import BADGE, EXERCISE, faults_of, write

CONDITION = "condition: focus.sessions >= 1"


def test_a_well_written_directory_has_no_faults(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, exercises__present=EXERCISE, badges=BADGE)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  cue:", "  hint:", 1, "cue is missing"),
        ("  cue:", "  hint:", 3, "hint is not a field; the fields are id, prompt, cue"),
        (
            "  language: es\n",
            "  cue: ir\n  language: es\n",
            5,
            "cue is given twice in one entry, first on line 3",
        ),
        ("id: 123", "id: abc", 1, "id must be a whole number in plain digits"),
        ("id: 123", 'id: "123"', 1, "id must be a whole number in plain digits"),
        ("id: 123", "id: 0123", 1, "id must be a whole number in plain digits"),
        ("id: 123", "id: 0", 1, "id must be from 1 to 999,999,999,999,999,999, not 0"),
        ("id: 123", "id: -5", 1, "id must be from 1 to 999,999,999,999,999,999, not -5"),
        ("ella ___ con", "ella con", 2, "prompt must have one gap, written ___"),
        ("ella ___ con", "ella ___ con ___", 2, "prompt must have one gap, written ___"),
        ("ella ___ con", "ella ____ con", 2, "prompt must have one gap, written ___"),
        ("cue: hablar", "cue:", 3, "cue must be text"),
        ("cue: hablar", "cue: no", 3, 'cue must be text; put it in quotes: "no"'),
        ("cue: hablar", "cue: [hablar]", 3, "cue must be text"),
        ("cue: hablar", 'cue: " "', 3, "cue must not be empty"),
        ("cue: hablar", 'cue: "hablar "', 3, "cue must not begin or end with a space"),
        ("cue: hablar", f"cue: {'a' * 101}", 3, "cue must be at most 100 characters, not 101"),
        ("language: es", "language: Spanish!", 5, "language must be a language tag"),
        ("difficulty: easy", "difficulty: trivial", 6, "difficulty must be one of easy, medium, hard"),
        ("answers: [hable]", "answers: hable", 7, "answers must be a list"),
        ("answers: [hable]", "answers: []", 7, "answers must have from 1 to 20 entries, not 0"),
        ("answers: [hable]", "answers: [hable, '']", 7, "answers must not be empty"),
        ("answers: [hable]", "answers:\n  - hable\n  - Hable", 9, "answers must not have 'Hable' twice"),
        ("answers: [hable]", "answers: [hable", 8, "is not YAML:"),
    ],
)
def test_each_fault_of_an_exercise_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in EXERCISE
    found = faults_of(write(tmp_path, exercises__present=EXERCISE.replace(old, new)))
    assert any(
        file == "exercises/present.yaml" and at == line and told.startswith(message)
        for file, at, told in found
    ), found


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "id: focus-first-session",
            "id: First Session",
            1,
            "id must be small letters, digits and single hyphens",
        ),
        (
            "product: focus",
            "product: chess",
            5,
            "product must be one of exercises, focus, portal, yoga, design, all, not 'chess'",
        ),
        (CONDITION, "condition: focus.smiles > 1", 6, "condition 'focus.smiles' is no variable; focus has"),
        (CONDITION, "condition: focus.sessions >", 6, "condition is no CEL expression"),
        (CONDITION, "condition: focus.sessions + 1", 6, "condition is no yes-or-no question"),
        (CONDITION, "condition: 10", 6, 'condition must be text; put it in quotes: "10"'),
        (CONDITION, "condition:", 6, "condition must be text"),
        (
            CONDITION,
            "condition: fokus.sessions >= 1",
            6,
            "condition speaks of fokus, which is no product: there are exercises, focus",
        ),
        (CONDITION, f"{CONDITION}\n  hidden: perhaps", 7, "hidden must be yes or no"),
        (CONDITION, f'{CONDITION}\n  hidden: "yes"', 7, "hidden must be yes or no"),
        (CONDITION, f"{CONDITION}\n  hidden: [yes]", 7, "hidden must be yes or no"),
        (CONDITION, f"{CONDITION}\n  state: asleep", 7, "state must be one of inactive, active, locked"),
        (
            CONDITION,
            f"{CONDITION}\n  first_day: 2026-13-01",
            7,
            "first_day must be a day, such as 2026-12-01",
        ),
        (CONDITION, f"{CONDITION}\n  last_day: 1.12.2026", 7, "last_day must be a day, such as 2026-12-01"),
        (
            CONDITION,
            f"{CONDITION}\n  last_day: 2026-11-30\n  first_day: 2026-12-01",
            7,
            "last_day must not be before first_day, 2026-12-01, but is 2026-11-30",
        ),
    ],
)
def test_each_fault_of_a_badge_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in BADGE
    ((file, at, told),) = faults_of(write(tmp_path, badges=BADGE.replace(old, new)))
    assert (file, at) == ("badges.yaml", line)
    assert told.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no exercises"),
        ("# only a comment\n", "has no exercises"),
        ("[]\n", "must be a list of exercises, each beginning with '- id:'"),
        ("id: 123\n", "must be a list of exercises, each beginning with '- id:'"),
        ("- hable\n", "must be an entry with the fields id, prompt, cue"),
        ("- ? [a]\n  : b\n", "this is not a field"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_a_fault(tmp_path: Path, text: str, message: str) -> None:
    found = faults_of(write(tmp_path, exercises__present=text))
    assert any(told.startswith(message) for _, _, told in found), found


def test_bytes_that_are_no_text_are_a_fault_on_their_line(tmp_path: Path) -> None:
    directory = write(
        tmp_path,
        exercises__present=EXERCISE,
        exercises__bell=f"# {'é' * 200}\n" + EXERCISE.replace("hablar", "hab\alar"),
    )
    (directory / "exercises" / "latin.yaml").write_bytes(EXERCISE.encode("latin-1"))
    assert faults_of(directory) == [
        ("exercises/bell.yaml", 4, "has a character that no text has"),
        ("exercises/latin.yaml", 4, "is not UTF-8 text"),
    ]


def test_an_id_used_in_two_files_is_a_fault_that_names_both(tmp_path: Path) -> None:
    directory = write(tmp_path, exercises__future=EXERCISE, exercises__present="# second\n" + EXERCISE)
    ((file, line, message),) = faults_of(directory)
    assert (file, line) == ("exercises/present.yaml", 2)
    assert message == f"id 123 is taken already, at {directory}/exercises/future.yaml:1"


def test_an_id_used_twice_in_one_file_is_a_fault(tmp_path: Path) -> None:
    ((_, line, message),) = faults_of(write(tmp_path, badges=BADGE + BADGE))
    assert line == 7
    assert message.endswith("badges.yaml:1")


def test_every_fault_is_told_at_once_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    broken = EXERCISE.replace("hablar", "no").replace("easy", "trivial")
    places = [
        (file, line)
        for file, line, _ in faults_of(
            write(tmp_path, exercises__b=broken, exercises__a=broken.replace("123", "7"))
        )
    ]
    assert places == [
        ("exercises/a.yaml", 3),
        ("exercises/a.yaml", 6),
        ("exercises/b.yaml", 3),
        ("exercises/b.yaml", 6),
    ]


def test_a_file_that_nothing_reads_is_a_fault(tmp_path: Path) -> None:
    directory = write(tmp_path, exercises__present=EXERCISE)
    (directory / "exercises" / "future.yml").write_text(EXERCISE, encoding="utf-8")
    (directory / "badge.yaml").write_text(BADGE, encoding="utf-8")
    assert [(file, message[:23]) for file, _, message in faults_of(directory)] == [
        ("badge.yaml", "is not read by anything"),
        ("exercises/future.yml", "is not read by anything"),
    ]


@pytest.mark.parametrize("name", [".", "not-there"])
def test_a_directory_without_content_is_a_fault(tmp_path: Path, name: str) -> None:
    (fault,) = content.check(tmp_path / name)
    assert fault.message == "there are no content files here"


def test_a_fault_reads_like_a_compilers(tmp_path: Path) -> None:
    directory = write(tmp_path, badges=BADGE.replace("product: focus", "product: chess"))
    (fault,) = content.check(directory)
    assert str(fault).startswith(f"{directory}/badges.yaml:5: product must be")
