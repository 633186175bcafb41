"""Page tokens."""

from __future__ import annotations

import base64
import json

import pytest

from service_kit.errors import InvalidArgumentError
from service_kit.paging import PageRequest, decode_page_number, decode_page_token, encode_page_token


@pytest.mark.parametrize("position", [5, "2026-01-01T00:00:00Z", [3, "ñ"], {"after": 1}])
def test_a_token_brings_its_position_back(position: object) -> None:
    token = encode_page_token("List", ["easy", 7], position)

    assert decode_page_token("List", ["easy", 7], token) == position
    assert token.isascii()
    assert not set(token) & set("=+/& ")


def test_the_first_page_has_no_position() -> None:
    assert decode_page_token("List", ["easy"], "") is None


@pytest.mark.parametrize(
    ("method", "selection"), [("Other", ["easy"]), ("List", ["hard"]), ("List", []), ("List", ["easy", "x"])]
)
def test_a_token_of_another_list_is_refused(method: str, selection: list[str]) -> None:
    token = encode_page_token("List", ["easy"], 5)

    with pytest.raises(InvalidArgumentError) as raised:
        decode_page_token(method, selection, token)

    assert raised.value.reason == "PAGE_TOKEN_INVALID"


def forged(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "ñ",
        "%%%",
        "////",
        forged(5),
        forged(None),
        forged([]),
        forged([1, 2, 3]),
        forged({"a": 1, "b": 2}),
    ],
)
def test_what_was_never_a_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        decode_page_token("List", [], token)

    assert raised.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("number", [1, 2**63 - 1])
def test_a_number_comes_back_from_its_token(number: int) -> None:
    assert decode_page_number("List", [], encode_page_token("List", [], number)) == number
    assert decode_page_number("List", [], "") is None


@pytest.mark.parametrize("position", [0, -1, 2**63, True, 1.0, "7", None, [1]])
def test_a_position_that_is_no_number_of_ours_is_refused(position: object) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        decode_page_number("List", [], encode_page_token("List", [], position))

    assert raised.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("size", "pages"), [(2, [[1, 2], [3, 4], [5]]), (5, [[1, 2, 3, 4, 5]]), (0, [[1, 2, 3], [4, 5]])]
)
async def test_pages_follow_one_another_to_the_end(size: int, pages: list[list[int]]) -> None:
    shown, token = [], None
    while token is None or token:
        request = PageRequest("List", size, token or "", ("easy",), default_size=3)
        after = request.number() or 0

        async def read(limit: int, after: int = after) -> list[int]:
            return [number for number in range(1, 6) if number > after][:limit]

        page = await request.fill(read, lambda number: number)
        shown.append(list(page.items))
        token = page.next_page_token

    assert shown == pages


def test_a_page_goes_on_from_any_position() -> None:
    request = PageRequest("List", 1, "")
    assert request.position() is None

    page = request.page(["b", "a"], lambda item: [item, 7])

    assert page.items == ["b"]
    assert PageRequest("List", 1, page.next_page_token).position() == ["b", 7]


def test_a_page_of_another_selection_is_refused() -> None:
    token = PageRequest("List", 1, "", ("easy",)).page([1, 2], lambda number: number).next_page_token
    with pytest.raises(InvalidArgumentError):
        PageRequest("List", 1, token, ("hard",)).number()


def test_a_token_without_a_position_is_refused() -> None:
    token = encode_page_token("List", [], None)
    with pytest.raises(InvalidArgumentError) as raised:
        PageRequest("List", 1, token).position()

    assert raised.value.reason == "PAGE_TOKEN_INVALID"
