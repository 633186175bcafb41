"""Activities and their words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
import psycopg
import pytest
from practice.catalog.v1 import activity_pb2
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc

from service_kit.paging import encode_page_token
from tests.catalog_service.contents import activity, new_number, word
from tests.databases import lock_waiters
from tests.grpc_errors import Refusal, outcome, refusal

Metadata = tuple[tuple[str, str], ...]
Admin: TypeAlias = "rpc.CatalogAdminServiceAsyncStub"
Catalog: TypeAlias = "rpc.CatalogServiceAsyncStub"
Load = Callable[..., Awaitable[tuple[int, int, int]]]
Items = Callable[[int], Awaitable[list[str]]]
Keys = Callable[..., Awaitable[dict[str, list[str]]]]


@pytest.fixture
def load(admin: Admin, internal: Metadata) -> Load:
    async def load(*contents: activity_pb2.ActivityContent) -> tuple[int, int, int]:
        request = pb.LoadActivitiesRequest(activities=contents)
        counts = await admin.LoadActivities(request, metadata=internal)
        return counts.created_count, counts.updated_count, counts.unchanged_count

    return load


@pytest.fixture
def items(admin: Admin, internal: Metadata) -> Items:
    """The items of an activity, by name."""

    async def items(number: int) -> list[str]:
        request = pb.ListContentItemsRequest(content=f"activities/{number}")
        return [item.item for item in (await admin.ListContentItems(request, metadata=internal)).items]

    return items


@pytest.fixture
def keys(admin: Admin, internal: Metadata) -> Keys:
    async def keys(*word_ids: str) -> dict[str, list[str]]:
        request = pb.BatchGetAnswerKeysRequest(items=[f"words/{word_id}" for word_id in word_ids])
        found = (await admin.BatchGetAnswerKeys(request, metadata=internal)).answer_keys
        return {key.item.removeprefix("words/"): list(key.accepted_answers) for key in found}

    return keys


def ids(content: activity_pb2.ActivityContent) -> list[str]:
    return [f"words/{each.word_id}" for each in content.words]


async def test_the_items_of_an_activity_come_in_their_authors_order_without_answers(
    admin: Admin, internal: Metadata, load: Load
) -> None:
    n = new_number()
    names = [f"z{n}-last", f"a{n}-first", f"m{n}-middle"]
    content = activity(
        *(word(name, "secreto", word=name[:1], difficulties=["hard", "easy"]) for name in names)
    )
    await load(content)

    request = pb.ListContentItemsRequest(content=f"activities/{content.activity_id}")
    listed = await admin.ListContentItems(request, metadata=internal)

    assert list(listed.items) == [
        pb.ContentItem(item=f"words/{name}", prompt=name[:1], difficulties=["hard", "easy"]) for name in names
    ]
    assert b"secreto" not in listed.SerializeToString()


@pytest.mark.parametrize(
    "content",
    ["activities/999999999999999999", "activities/0", "activities/x", "sequences/123", "words/a", "x"],
)
async def test_what_is_no_activity_has_no_items(admin: Admin, internal: Metadata, content: str) -> None:
    request = pb.ListContentItemsRequest(content=content)

    refused = await refusal(admin.ListContentItems(request, metadata=internal))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "CONTENT_NOT_FOUND")
    assert refused.metadata == {"content": content}


async def test_the_accepted_answers_to_a_word_are_its_translations(load: Load, keys: Keys) -> None:
    content = activity()
    hello, goodbye = (each.word_id for each in content.words)
    await load(content)

    found = await keys(goodbye, "en-nothing", hello, "Not a word", goodbye)

    assert found == {goodbye: ["adiós", "¡adiós!"], hello: ["hola", "¡hola!"]}
    assert list(found) == [goodbye, hello]


async def test_loading_replaces_the_words_of_an_activity(load: Load, items: Items, keys: Keys) -> None:
    content = activity()
    n = content.activity_id
    hello, goodbye = content.words[0], content.words[1]
    assert await load(content) == (1, 0, 0)
    assert await load(content) == (0, 0, 1)

    hello.translations[:] = ["buenas"]
    reloaded = activity(word(f"w{n}-please"), hello, activity_id=n)
    assert await load(reloaded, activity()) == (1, 1, 0)

    assert await items(n) == [f"words/w{n}-please", f"words/{hello.word_id}"]
    # Whoever was given the word that is gone can still be told whether they are right.
    assert await keys(goodbye.word_id, hello.word_id) == {
        goodbye.word_id: ["adiós", "¡adiós!"],
        hello.word_id: ["buenas"],
    }
    assert await load(reloaded) == (0, 0, 1)


async def test_another_order_is_a_change_and_a_withdrawn_word_may_come_back(load: Load, items: Items) -> None:
    content = activity()
    first, second = content.words[0], content.words[1]
    await load(content)
    turned = activity(second, first, activity_id=content.activity_id)

    assert await load(turned) == (0, 1, 0)
    assert await items(content.activity_id) == ids(turned)
    assert await load(activity(second, activity_id=content.activity_id)) == (0, 1, 0)
    assert await load(content) == (0, 1, 0)
    assert await items(content.activity_id) == ids(content)


async def test_a_word_belongs_to_one_activity_unless_it_moves_in_one_load(
    admin: Admin, internal: Metadata, load: Load, items: Items
) -> None:
    mine = activity()
    hello, goodbye = mine.words[0], mine.words[1]
    await load(mine)
    other = activity(hello, word(f"w{new_number()}-x"))

    refused = await refusal(
        admin.LoadActivities(pb.LoadActivitiesRequest(activities=[activity(), other]), metadata=internal)
    )

    assert (refused.reason, refused.metadata) == (
        "FIELD_INVALID",
        {"field": "activities.words.word_id", "rule": "unique"},
    )
    assert await items(mine.activity_id) == ids(mine)
    without = activity(goodbye, activity_id=mine.activity_id)
    assert await load(without, other) == (1, 1, 0)
    assert await items(mine.activity_id) == ids(without)
    assert await items(other.activity_id) == ids(other)
    # And a word that was withdrawn is free.
    await load(activity(other.words[1], activity_id=other.activity_id))
    assert await load(activity(goodbye, hello, activity_id=mine.activity_id)) == (0, 1, 0)


async def test_a_load_with_one_bad_activity_changes_nothing(
    admin: Admin, internal: Metadata, load: Load, items: Items
) -> None:
    known = activity()
    await load(known)
    changed = activity(known.words[1], activity_id=known.activity_id)
    for bad in (
        activity(title=""),
        activity(word("Not An Id")),
        activity(word(f"w{new_number()}-nul", "a\0")),
        activity(activity_id=known.activity_id),
        activity(changed.words[0]),
    ):
        request = pb.LoadActivitiesRequest(activities=[changed, bad])

        refused = await refusal(admin.LoadActivities(request, metadata=internal))

        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
        assert await items(known.activity_id) == ids(known)


async def test_loads_at_the_same_time_happen_one_after_the_other(load: Load, items: Items) -> None:
    n = new_number()
    versions = [
        activity(
            *(word(f"w{n}-{number}", f"{version}") for number in range(version, version + 50)), activity_id=n
        )
        for version in range(4)
    ]

    counts = await asyncio.gather(*(load(version) for version in versions))

    assert sorted(counts) == [(0, 1, 0), (0, 1, 0), (0, 1, 0), (1, 0, 0)]
    assert await items(n) in [ids(version) for version in versions]


async def test_of_two_activities_that_claim_a_word_at_the_same_time_one_gets_it(
    admin: Admin, internal: Metadata, items: Items
) -> None:
    shared = word(f"w{new_number()}-shared")
    claims = [activity(shared) for _ in range(4)]

    outcomes = await asyncio.gather(
        *(
            outcome(admin.LoadActivities(pb.LoadActivitiesRequest(activities=[each]), metadata=internal))
            for each in claims
        )
    )

    refused = [each for each in outcomes if isinstance(each, Refusal)]
    assert [each.reason for each in refused] == ["FIELD_INVALID"] * 3


async def test_a_database_that_dies_in_the_middle_of_a_load_leaves_all_or_nothing(
    load: Load, items: Items, database_url: str
) -> None:
    content = activity()
    await load(content)
    held = content.words[1].word_id
    changed = activity(
        word(content.words[0].word_id, "changed"),
        word(held, "changed"),
        word(f"w{new_number()}-new"),
        activity_id=content.activity_id,
        title="Changed",
    )
    async with await psycopg.AsyncConnection.connect(database_url) as holder:
        await holder.execute("SELECT FROM catalog.words WHERE word_id = %s FOR UPDATE", [held])
        loading = asyncio.create_task(outcome(load(changed)))
        await lock_waiters(database_url)
        # Its activity is written already, its words are about to be.
        await holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        refused = await loading

    assert refused.reason == "DEPENDENCY_UNAVAILABLE"
    assert await items(content.activity_id) == ids(content)
    assert await load(content) == (0, 0, 1)
    assert await load(changed) == (0, 1, 0)


async def test_learners_see_activities_without_their_words(
    catalog: Catalog, ana: Metadata, load: Load
) -> None:
    contents = [activity(title=f"Set {number}") for number in range(3)]
    await load(*contents)
    n = contents[0].activity_id
    await load(activity(contents[0].words[0], activity_id=n, title="Set 0"))

    shown = await catalog.GetActivity(pb.GetActivityRequest(name=f"activities/{n}"), metadata=ana)

    assert shown == activity_pb2.Activity(
        name=f"activities/{n}",
        activity_id=n,
        title="Set 0",
        type="flashcards",
        language="en",
        translation_language="es",
        word_count=1,
    )
    token = encode_page_token("ListActivities", [], n - 1)
    page = await catalog.ListActivities(pb.ListActivitiesRequest(page_size=2, page_token=token), metadata=ana)
    assert [(each.title, each.word_count) for each in page.activities] == [("Set 0", 1), ("Set 1", 2)]
    request = pb.ListActivitiesRequest(page_size=2, page_token=page.next_page_token)
    rest = await catalog.ListActivities(request, metadata=ana)
    # Whatever other tests have loaded comes after these.
    assert rest.activities[0].title == "Set 2"


async def test_an_unknown_activity_is_not_found(catalog: Catalog, ana: Metadata) -> None:
    name = f"activities/{10**18 - 1}"

    refused = await refusal(catalog.GetActivity(pb.GetActivityRequest(name=name), metadata=ana))

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "CONTENT_NOT_FOUND")
    assert refused.metadata == {"content": name}


async def test_a_page_token_of_another_list_is_refused(catalog: Catalog, ana: Metadata) -> None:
    request = pb.ListActivitiesRequest(page_token=encode_page_token("ListSequences", [], 5))

    assert (await refusal(catalog.ListActivities(request, metadata=ana))).reason == "PAGE_TOKEN_INVALID"
