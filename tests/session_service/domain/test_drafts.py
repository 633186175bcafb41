"""Drafts: which are the same, and which cannot be kept."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_service.domain.drafts import EMPTY_HASH, MAX_BYTES, read_draft
from session_service.domain.errors import DraftInvalidError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def content_hash(content: str) -> str:
    draft = read_draft(content)
    assert draft.content == content
    return draft.content_hash


def problem(content: str) -> str:
    with pytest.raises(DraftInvalidError) as refused:
        content_hash(content)
    assert refused.value.reason == "DRAFT_INVALID"
    return refused.value.metadata["problem"]


@pytest.mark.parametrize("content", ["{}", " { } ", "{\n}"])
def test_an_empty_document_hashes_as_the_empty_string(content: str) -> None:
    assert content_hash(content) == EMPTY_HASH == "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize("content", ["[]", "null", '""', '{"elements":[],"appState":{}}', "0", "false"])
def test_only_the_empty_object_does(content: str) -> None:
    assert content_hash(content) != EMPTY_HASH


def test_the_hash_is_the_md5_of_the_canonical_text() -> None:
    assert content_hash('{"b": [1, 2.50, true], "a": "é\\n"}') == md5('{"a":"é\\n","b":[1,2.50,true]}')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":{"c":2,"d":3}}', '{ "b" : {"d":3, "c":2},\n"a":1}'),
        ('{"a":"é"}', '{"a":"\\u00e9"}'),
        ('{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'),
        ('{"a":"/"}', '{"a":"\\/"}'),
    ],
)
def test_order_white_space_and_escapes_make_no_other_draft(one: str, other: str) -> None:
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1]", "[1.0]"),
        ("[1e2]", "[100]"),
        ("[0]", "[-0]"),
        ("[9007199254740993]", "[9007199254740992]"),
        ("[0.1]", "[0.1000000000000000055511151231257827]"),
        ("[1]", '["1"]'),
        ("[1,2]", "[2,1]"),
        ('{"a":null}', "{}"),
        ('{"a":true}', '{"a":1}'),
        ('["é"]', '["e\u0301"]'),
    ],
)
def test_what_reads_differently_is_another_draft(one: str, other: str) -> None:
    assert content_hash(one) != content_hash(other)


def test_numbers_of_any_size_are_taken_as_written() -> None:
    huge = "9" * 10_000
    assert content_hash(f"[{huge}, 1e99999]") == md5(f"[{huge},1e99999]")


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_any_document_hashes_as_its_sorted_compact_form(document: object) -> None:
    text = json.dumps(document, indent=1)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert content_hash(text) == (EMPTY_HASH if document == {} else md5(canonical))


def test_of_a_key_that_occurs_twice_the_last_counts_as_in_every_browser() -> None:
    assert content_hash('{"a":1,"a":2}') == content_hash('{"a":2}')


@pytest.mark.parametrize("lone", ['["\\ud800"]', '{"\\udc00":1}', '["\\ud800x"]'])
def test_half_a_surrogate_pair_is_kept_as_browsers_write_it(lone: str) -> None:
    assert content_hash(lone) != content_hash(
        lone.replace("\\ud800", "\\ud801").replace("\\udc00", "\\udc01")
    )
    assert content_hash(lone) == content_hash(f" {lone} ")


def test_text_that_is_not_unicode_is_refused() -> None:
    assert problem('["\ud800"]') == "syntax"


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "{",
        "{]",
        "nul",
        "[1,]",
        "{'a':1}",
        "{} {}",
        '["\t"]',
        "[01]",
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "\ufeff{}",
        "]" * 100,
        "]" * 100 + "[" * 100,
        '["' + "[" * 100,
    ],
)
def test_what_is_not_json_is_refused(content: str) -> None:
    assert problem(content) == "syntax"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_sixty_four_levels_are_kept_and_one_more_is_not(opening: str, closing: str) -> None:
    content_hash(f"{opening * 64}1{closing * 64}")
    assert problem(f"{opening * 65}1{closing * 65}") == "depth"


def test_nesting_that_would_crash_a_parser_is_refused_before_it_is_parsed() -> None:
    assert problem("[" * 500_000) == "depth"
    assert problem('{"a":' * 200_000) == "depth"


def test_levels_are_counted_again_after_a_string_with_escapes_in_it() -> None:
    for text in ('"\\""', '"\\\\"', '"a\\nb"'):
        assert problem(f"[{text},{'[' * 64}{']' * 64}]") == "depth"


def test_brackets_in_strings_and_beside_each_other_are_no_levels() -> None:
    content_hash(json.dumps(["[" * 1000, '"[{\\' * 100, "\\"]))
    content_hash("[" + ",".join(["[[]]"] * 1000) + "]")


def test_a_mebibyte_is_kept_and_a_byte_more_is_not() -> None:
    filler = "x" * (MAX_BYTES - 2)
    content_hash(f'"{filler}"')
    assert problem(f'"{filler}x"') == "size"


def test_size_is_counted_in_bytes_and_not_in_characters() -> None:
    fits = "é" * ((MAX_BYTES - 2) // 2)
    content_hash(f'"{fits}"')
    assert problem(f'"{fits}é"') == "size"
    assert problem(f'"{"😀" * (MAX_BYTES // 4)}"') == "size"
