"""JSON read without giving up how it was written, and without ado about its size."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_service.domain import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.integers(1, 6), st.booleans())
def test_the_depth_is_that_of_the_parsed_document(value: object, levels: int, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert json_text.is_deeper(text.encode(), levels) == (depth_of(value) > levels)


@given(st.text(alphabet='[]{}"\\,:a1 '), st.integers(1, 5))
def test_no_text_lets_a_parser_go_deeper_than_twice_the_levels(text: str, levels: int) -> None:
    deepest = depth = 0
    if json_text.is_deeper(text.encode(), levels):
        return
    try:
        json.loads(text)
    except ValueError as error:
        text = text[: getattr(error, "pos", len(text))]
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string, escaped = (character != '"' or escaped), character == "\\" and not escaped
        elif character == '"':
            in_string = True
        else:
            depth += (character in "[{") - (character in "]}")
            deepest = max(deepest, depth)
    assert deepest <= 2 * levels


@given(st.dictionaries(st.text(), VALUES, max_size=8), st.sampled_from(["", " ", "\n\t "]))
def test_members_are_given_as_the_very_text_they_were_written_in(
    document: dict[str, object], space: str
) -> None:
    written = {key: json.dumps(value, indent=1) for key, value in document.items()}
    members = f",{space}".join(
        f"{json.dumps(key)}{space}:{space}{text}{space}" for key, text in written.items()
    )
    found = json_text.members(f"{space}{{{space}{members}}}{space}")
    assert {key: member.written for key, member in found.items()} == written


def test_an_object_of_many_members_is_refused_without_reading_them_all() -> None:
    allowed = json.dumps({str(number): number for number in range(json_text.MOST_MEMBERS)})
    assert len(json_text.members(allowed)) == json_text.MOST_MEMBERS
    # What comes after too many is not even JSON.
    with pytest.raises(ValueError, match="too many members"):
        json_text.members(allowed[:-1] + ',"one more":1,' + "?" * 100)
    with pytest.raises(ValueError, match="too many members"):
        json_text.members("{" + ",".join(['"same":1'] * 1000) + "}")
