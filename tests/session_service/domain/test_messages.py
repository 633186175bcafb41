"""How much of a conversation is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_service.domain.errors import ConversationFullError
from session_service.domain.messages import MAX_BYTES, add_line
from tests.session_service.domain.sessions import at, started


@given(st.lists(st.text(max_size=50), max_size=20))
def test_the_size_covers_what_the_lines_take_as_json(lines: list[str]) -> None:
    size = 0
    for line in lines:
        size = add_line(size, line)
    told = [{"role": "assistant", "content": line, "timestamp": "2024-01-15T10:35:00.000Z"} for line in lines]
    # The list's own brackets are not counted.
    assert size + 2 >= len(json.dumps(told, ensure_ascii=False).encode())


def test_a_conversation_is_full_at_two_mebibytes() -> None:
    line = "x" * 10_000
    size, lines = 0, 0
    with pytest.raises(ConversationFullError):
        while True:
            size = add_line(size, line)
            lines += 1
    assert lines == MAX_BYTES // 10_102


def test_a_full_session_takes_no_line_and_stays_as_it_is() -> None:
    session = started("design")
    for _ in range(52):
        session = session.add_message("\x01" * 10_000 if session.message_count < 34 else "", now=at(1))
    with pytest.raises(ConversationFullError):
        session.add_message("\x01" * 10_000, now=at(2))
    assert session.add_message("short", now=at(3)).message_count == 53
