"""Searching problems, through the service and in the database."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice.catalog.v1 import problem_service_pb2 as pb
from practice.catalog.v1 import problem_service_pb2_grpc as rpc
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from catalog_service.adapters.db import tables
from catalog_service.adapters.db.problems import SqlProblems
from catalog_service.domain.problems import ProblemSelection
from catalog_service.domain.search import folded, query_words, text_grams, word_grams
from service_kit.db.engines import open_async_engine
from tests.catalog_service.contents import new_token, problem
from tests.grpc_errors import refusal

Metadata = tuple[tuple[str, str], ...]
Problems: TypeAlias = "rpc.ProblemServiceAsyncStub"


@given(st.text(alphabet="aßΣςéE\u0301 \t%_", max_size=30), st.data())
def test_a_text_has_the_grams_of_every_word_it_holds(written: str, data: st.DataObject) -> None:
    found_in = folded(written)
    words = found_in.split()
    if not words:
        assert text_grams(found_in) == []
        return
    word = data.draw(st.sampled_from(words))
    start = data.draw(st.integers(0, len(word) - 1))
    part = word[start : data.draw(st.integers(start + 1, len(word)))]

    assert set(word_grams([part])) <= set(text_grams(found_in))


@given(st.text(alphabet="abc ", max_size=12), st.text(alphabet="abc", min_size=1, max_size=3))
def test_a_short_word_is_in_a_text_exactly_when_its_gram_is(written: str, word: str) -> None:
    assert (set(word_grams([word])) <= set(text_grams(written))) == (word in written)


def test_case_folds_and_accents_stay() -> None:
    assert folded("STRASSE") == folded("straße")
    assert folded("Σίσυφος") == folded("ΣΊΣΥΦΟΣ")
    assert folded("re\u0301sume\u0301") == folded("RÉSUMÉ") == unicodedata.normalize("NFC", "résumé")
    assert folded("resume") not in folded("résumé")
    assert query_words("  URL\u3000url\tShort ") == ("url", "short")


async def found(problems: Problems, query: str, token: str) -> set[str]:
    listed = await problems.ListProblems(pb.ListProblemsRequest(query=f"{query} {token}"))
    assert listed.total_size == len(listed.problems)
    return {each.title.partition(" ")[0] for each in listed.problems}


async def test_every_word_has_to_occur_in_title_or_description_whatever_the_case(
    problems: Problems, ana: Metadata
) -> None:
    token = new_token()
    texts = {
        "1": ("a URL Shortener", "millions of requests"),
        "2": ("a chat", "shortens every URL and Straße"),
        "3": ("a feed", "nothing of the kind"),
    }
    for title, (name, description) in texts.items():
        changes = {"title": f"{title} {name}", "description": f"{description} {token}", "hints": ["url"]}
        request = pb.CreateProblemRequest(problem=problem(**changes))
        await problems.CreateProblem(request, metadata=ana)

    assert await found(problems, "", token) == {"1", "2", "3"}
    assert await found(problems, "url", token) == {"1", "2"}
    assert await found(problems, "SHORTENER url", token) == {"1"}
    assert await found(problems, "millions shortener", token) == {"1"}
    assert await found(problems, "horten", token) == {"1", "2"}
    assert await found(problems, "u", token) == {"1", "2"}
    assert await found(problems, "url feed", token) == set()
    assert await found(problems, "STRASSE", token) == {"2"}
    # Not across the end of the title, nor of a word.
    assert await found(problems, "shortenermillions", token) == set()
    assert await found(problems, "aurl", token) == set()


@pytest.mark.parametrize(
    "literal",
    ["%", "_", "100%", "a_b", "\\", "\\d", ".*", "(", "[a-z]+", "a|b", "^a", "$", "'", "''", '"', "';--",
     "{1,2}", "ab*", "?", ":x", "$1", "{", "&", "<->", "😀", "日本"],
)  # fmt: skip
async def test_words_are_literal_text(problems: Problems, ana: Metadata, literal: str) -> None:
    token = new_token()
    for title, description in (("with", f"before{literal}after"), ("without", "ab abab a b d 100 axb 1")):
        changes = {"title": title, "description": f"{description} {token}"}
        request = pb.CreateProblemRequest(problem=problem(**changes))
        await problems.CreateProblem(request, metadata=ana)

    assert await found(problems, literal, token) == {"with"}
    assert await found(problems, f"before{literal}after", token) == {"with"}


async def test_a_word_whose_grams_are_all_there_is_not_there_by_that(
    problems: Problems, ana: Metadata
) -> None:
    token = new_token()
    changes = {"title": "grams", "description": f"abcd bcde {token}"}
    await problems.CreateProblem(pb.CreateProblemRequest(problem=problem(**changes)), metadata=ana)

    assert await found(problems, "abcd", token) == {"grams"}
    assert await found(problems, "abcde", token) == set()


async def test_a_query_that_no_text_can_hold_is_refused(problems: Problems) -> None:
    for query in ("a\0b", "x" * 201):
        refused = await refusal(problems.ListProblems(pb.ListProblemsRequest(query=query)))
        assert refused.reason == "FIELD_INVALID"


async def test_what_a_problem_said_before_is_not_found_any_more(problems: Problems, ana: Metadata) -> None:
    before, after = new_token(), new_token()
    created = await problems.CreateProblem(
        pb.CreateProblemRequest(problem=problem(title=before)), metadata=ana
    )
    created.title = after
    await problems.UpdateProblem(pb.UpdateProblemRequest(problem=created), metadata=ana)

    for query, count in ((before, 0), (after, 1), ("shortener", 0)):
        listed = await problems.ListProblems(pb.ListProblemsRequest(query=query, mine=True), metadata=ana)
        assert listed.total_size == count


@pytest.fixture
async def many(fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Some thousands of problems, of which one in a thousand holds a rare word."""
    engine = open_async_engine(fresh_database_url, pool_size=1, application="test")
    async with engine.begin() as connection:
        await connection.execute(insert(tables.problems), [_row(number) for number in range(5_000)])
    async with engine.connect() as connection:
        await connection.execute(text("ANALYZE catalog.problems"))
        await connection.commit()
    yield engine
    await engine.dispose()


def _row(number: int) -> dict[str, Any]:
    searched = f"design a service number {number}\nthat serves users" + " rarely" * (number % 1_000 == 7)
    lists: dict[str, Any] = {name: [] for name in ("categories", "requirements", "constraints", "hints")}
    texts = dict.fromkeys(("owner_email", "title", "description", "difficulty", "estimated_time"), "x")
    return {**lists, **texts, "owner_id": 1, "searched": searched, "grams": text_grams(searched)}


async def test_a_search_for_rare_words_reads_few_rows_of_thousands(many: AsyncEngine) -> None:
    selection = ProblemSelection(words=query_words("RARELY serves"))
    async with many.connect() as connection:
        problems = SqlProblems(connection)
        assert await problems.count(selection) == 5
        assert len(await problems.newest(selection, limit=3, skip=1)) == 3
        for search in (problems.count(selection), problems.newest(selection, limit=100)):
            plan = await _plan_of(connection, search)
            assert "ix_problems_grams" in plan
            assert "Seq Scan" not in plan


async def _plan_of(connection: AsyncConnection, search: Any) -> str:
    """Returns how the database would do the statement that a search sends."""
    sent: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", remember)
    await search
    event.remove(connection.sync_connection, "before_cursor_execute", remember)
    ((statement, parameters),) = sent
    plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in plan)
