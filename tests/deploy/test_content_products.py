"""Rows of products in content: faults are found on their lines, and other content names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.content_services import BADGE, PRODUCT, faults_of, write


def test_a_well_written_row_has_no_faults(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, products=PRODUCT)) == []


def test_a_name_alone_is_a_product(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, products="- product: chess\n")) == []


def test_a_product_given_twice_is_a_fault(tmp_path: Path) -> None:
    directory = write(tmp_path, products="- product: chess\n- product: chess\n")
    message = f"product chess is taken already, at {directory}/products.yaml:1"
    assert faults_of(directory) == [("products.yaml", 2, message)]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("product: chess", "product: Chess", 1, "product must be small letters, digits and underscores"),
        ("product: chess", "product: chess-club", 1, "product must be small letters, digits and underscores"),
        ("product: chess", f"product: {'c' * 33}", 1, "product must be at most 32 characters, not 33"),
        ("product: chess", "product: total", 1, "product must not be total, which conditions of badges"),
        ("one_per_user", "two", 2, "open_sessions must be one of any_number, one_per_user, one_per_content"),
        ("one_per_user", "any_number", 3, "second_start must not be resume where any number of sessions"),
        ("one_per_user", "one_per_content", 2, "open_sessions must not be one_per_content unless"),
        ("[blitz, rapid]", "[blitz, blitz]", 4, "modes must not have 'blitz' twice"),
        ("[blitz, rapid]", "[Blitz]", 4, "modes must be small letters, digits, hyphens and underscores"),
        ("items: exercises", "items: moves", 5, "items must be one of exercises, words, not 'moves'"),
        (
            "items: exercises",
            "content: openings",
            5,
            "content must be one of activities, problems, sequences",
        ),
        ("items: exercises", "picks_items: yes", 5, "picks_items must not be yes unless"),
        ("items: exercises", "submits: yes", 5, "submits must not be yes unless problems are required"),
        ("items: exercises", "content_required: yes", 5, "content_required must not be yes without content"),
        ("min_planned_seconds: 60", "min_planned_seconds: 0", 6, "min_planned_seconds must be from 1 to"),
        ("max_planned_seconds: 7200", "max_planned_seconds: 59", 7, "max_planned_seconds must be from 60"),
        ("max_planned_seconds: 7200", "items: words", 7, "items is given twice in one entry"),
        ("elapsed: reported", "elapsed: guessed", 8, "elapsed must be one of measured, reported, rising"),
        ("max_elapsed_seconds: 7200", "max_elapsed_seconds: -1", 9, "max_elapsed_seconds must be from 0 to"),
        ("records_elapsed", "resumes", 10, "pause_again must be one of nothing, records_elapsed"),
        ("[completed, partial, abandoned]", "[completed, partial]", 11, "outcomes must have abandoned"),
        ("[completed, partial, abandoned]", "[won]", 11, "outcomes must be one of completed, partial"),
        ("[completed, partial]", "[abandoned]", 12, "counted must be one of completed, partial"),
        ("counts_unanswered: no", "counts_unanswered: perhaps", 13, "counts_unanswered must be yes or no"),
        ("counts_unanswered: no", "colour: red", 13, "colour is not a field; the fields are product,"),
    ],
)
def test_each_fault_of_a_product_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in PRODUCT
    found = faults_of(write(tmp_path, products=PRODUCT.replace(old, new, 1)))
    assert any(
        (file, at) == ("products.yaml", line) and told.startswith(message) for file, at, told in found
    ), found


def test_content_names_the_products_of_its_own_directory(tmp_path: Path) -> None:
    badge = BADGE.replace("focus", "chess")
    assert faults_of(write(tmp_path, products=PRODUCT, badges=badge)) == []
    (listed, condition) = faults_of(write(tmp_path, badges=BADGE))
    assert listed == ("badges.yaml", 5, "product must be one of chess, all, not 'focus'")
    assert condition[:2] == ("badges.yaml", 6)
    # A row with a fault is a product all the same.
    faulty = PRODUCT.replace("reported", "guessed")
    assert [file for file, _, _ in faults_of(write(tmp_path, products=faulty, badges=badge))] == [
        "products.yaml"
    ]
