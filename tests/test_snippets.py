"""Which blocks of the documents run is known, and what they show is compared."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.end_to_end.story import compare, documents, pattern
from tests.snippets import (
    Block,
    Fate,
    PageError,
    blocks_of,
    left_out,
    name_of,
    pages,
    read_blocks,
)

# How many blocks of a page do not run in a test; `python -m tests.snippets` says why. One more is to be
# counted here, and to have a reason beside it.
LEFT_OUT = {
    "README.md": 1,
    "CONTRIBUTING.md": 4,
    "docs/operating.md": 6,
    "docs/tutorial.md": 2,
}
COMMAND = re.compile(
    r"^(?:\$ )?(?:curl|practice|make|python3?|node|npm|pip|buf|docker|export) \S", re.MULTILINE
)


def test_no_more_blocks_are_left_out_than_are_counted_here() -> None:
    assert Counter(name for name, _ in left_out()) == LEFT_OUT


def test_every_reason_says_something() -> None:
    assert [f"{name}:{block.line}" for name, block in left_out() if len(block.reason.split()) < 3] == []


def test_commands_stand_in_blocks_that_run() -> None:
    hidden = [
        f"{name_of(page)}:{block.line}"
        for page in pages()
        for block in blocks_of(page)
        if block.fate in {Fate.SHOWN, Fate.COMPARED} and COMMAND.search(block.text)
    ]
    assert hidden == []


PAGE = """
```sh
ls
```
It answers:
```json
{"a": 1}
```
<!-- snippet: left out: stops the stack -->
```sh
make down
```
```json
{"not": "compared"}
```
<!-- snippet: refused 409 -->

```sh
curl x
```
1. Indented:
   ```python title="new.py"
   if True:
       print(1)
   ```
```yaml
a: 1
```
"""


def test_blocks_have_the_fate_that_their_page_says() -> None:
    blocks = read_blocks(PAGE)
    assert [block.fate for block in blocks] == [
        *(Fate.RUNS, Fate.COMPARED, Fate.LEFT_OUT, Fate.SHOWN, Fate.RUNS, Fate.RUNS, Fate.SHOWN),
    ]
    assert blocks[2].reason == "stops the stack"
    assert blocks[4].refused == 409
    assert (blocks[5].title, blocks[5].text) == ("new.py", "if True:\n    print(1)\n")
    assert blocks[0].line == 2


@pytest.mark.parametrize(
    "text",
    [
        "```bash\nls\n```",
        "<!-- snippet: left out -->\n```sh\nls\n```",
        "<!-- snippet: skip: no reason -->\n```sh\nls\n```",
        "<!-- snippet: left out: it stops -->\nSome words.\n```sh\nls\n```",
        "<!-- snippet: left out: nothing follows -->",
        "<!-- snippet: left out: is only shown -->\n```json\n{}\n```",
        '```sh title="README.md"\nls\n```',
    ],
)
def test_what_a_page_says_of_its_blocks_is_understood_or_refused(text: str) -> None:
    with pytest.raises(PageError):
        read_blocks(text)


def shown(language: str, text: str) -> Block:
    return Block(1, language, "", text, Fate.COMPARED)


@pytest.mark.parametrize(
    ("language", "text", "output"),
    [
        ("json", '{"id": 1, "…": "…"}', 'first {"id": "x"}\n{"id": 7, "name": "Ana"}'),
        (
            "json",
            '{"ok": true, "days": [{"date": "2026-11-29"}, "…"]}',
            '{"ok": true, "days": [{"date": "2027-01-02"}]}',
        ),
        ("text", "HTTP/1.1 404 Not Found\n…\nx: 12", "HTTP/1.1 404 Not Found\nserver: y\nx: 7\n"),
        ("text", "Began on 29 November 2026 … alive", "Began on 3 May 2027 and it\nis alive"),
        ("text", "7  Ana Gil  ana@example.com", "number\n12   Ana Gil   ana.5@example.org\n"),
    ],
)
def test_an_answer_of_the_shape_that_is_shown_passes(language: str, text: str, output: str) -> None:
    compare(shown(language, text), output)


@pytest.mark.parametrize(
    ("language", "text", "output"),
    [
        ("json", '{"id": 1}', '{"id": "1"}'),
        ("json", '{"id": 1}', '{"number": 1}'),
        ("json", '{"ok": true}', '{"ok": false}'),
        ("json", '{"id": 1}', "nothing"),
        ("text", "HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK"),
        ("text", "Ana Gil", "Ben Gil"),
    ],
)
def test_an_answer_of_another_shape_is_told(language: str, text: str, output: str) -> None:
    with pytest.raises(AssertionError):
        compare(shown(language, text), output)


def test_json_is_found_between_words() -> None:
    assert list(documents('a [no {"b": 1} c\n[2]')) == [{"b": 1}, [2]]
    assert re.fullmatch(
        pattern("id 4f0c1e2a-0000-4000-8000-000000000000"), "id 4f0c1e2a-1111-4111-8111-111111111111"
    )
