"""Sequences of poses, and achievements."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc
from practice.catalog.v1 import sequence_pb2

from service_kit.paging import encode_page_token
from tests.catalog_service.contents import achievement, new_number, sequence
from tests.grpc_errors import refusal

Metadata = tuple[tuple[str, str], ...]
Admin: TypeAlias = "rpc.CatalogAdminServiceAsyncStub"
Catalog: TypeAlias = "rpc.CatalogServiceAsyncStub"


async def load(admin: Admin, internal: Metadata, *sequences: sequence_pb2.Sequence) -> tuple[int, int, int]:
    counts = await admin.LoadSequences(pb.LoadSequencesRequest(sequences=sequences), metadata=internal)
    return counts.created_count, counts.updated_count, counts.unchanged_count


async def test_a_sequence_is_shown_as_it_was_loaded_with_how_long_it_takes(
    admin: Admin, catalog: Catalog, internal: Metadata, ana: Metadata
) -> None:
    written = sequence()
    name = f"sequences/{written.sequence_id}"
    await load(admin, internal, written)

    shown = await catalog.GetSequence(pb.GetSequenceRequest(name=name), metadata=ana)

    written.name, written.duration_seconds = name, 330
    assert shown == written


async def test_loading_sequences_counts_what_changed(admin: Admin, internal: Metadata) -> None:
    first, second = sequence(), sequence()
    assert await load(admin, internal, first, second) == (2, 0, 0)
    assert await load(admin, internal, second, first) == (0, 0, 2)

    first.poses[0].cue = "Root down"
    assert await load(admin, internal, first, second, sequence()) == (1, 1, 1)
    # What the service itself says of a sequence is not the author's to change.
    first.duration_seconds = 1
    assert await load(admin, internal, first) == (0, 0, 1)


async def test_a_load_with_one_bad_sequence_changes_nothing(
    admin: Admin, catalog: Catalog, internal: Metadata, ana: Metadata
) -> None:
    good = sequence()
    for bad in (sequence(poses=[]), sequence(title="a\0"), sequence(sequence_id=good.sequence_id)):
        request = pb.LoadSequencesRequest(sequences=[good, bad])
        assert (await refusal(admin.LoadSequences(request, metadata=internal))).reason == "FIELD_INVALID"
        name = f"sequences/{good.sequence_id}"
        refused = await refusal(catalog.GetSequence(pb.GetSequenceRequest(name=name), metadata=ana))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "CONTENT_NOT_FOUND")
        assert refused.message == "Sequence not found"


async def test_loads_at_the_same_time_create_each_sequence_once(admin: Admin, internal: Metadata) -> None:
    sequences = [sequence() for _ in range(50)]

    counts = await asyncio.gather(*(load(admin, internal, *sequences) for _ in range(4)))

    assert [sum(column) for column in zip(*counts, strict=True)] == [50, 0, 150]


async def test_sequences_are_listed_by_number(
    admin: Admin, catalog: Catalog, internal: Metadata, ana: Metadata
) -> None:
    numbers = [new_number() for _ in range(3)]
    await load(admin, internal, *(sequence(sequence_id=number) for number in reversed(numbers)))

    token = encode_page_token("ListSequences", [], numbers[0] - 1)
    page = await catalog.ListSequences(pb.ListSequencesRequest(page_size=2, page_token=token), metadata=ana)
    request = pb.ListSequencesRequest(page_size=2, page_token=page.next_page_token)
    rest = await catalog.ListSequences(request, metadata=ana)

    assert [each.sequence_id for each in (*page.sequences, *rest.sequences)] == numbers
    assert rest.next_page_token == ""


async def test_achievements_of_a_product_are_listed_by_id(admin: Admin, internal: Metadata) -> None:
    number = new_number()
    product = f"product_{number}"
    last = achievement(product=product, achievement_id=f"z-{number}", threshold=20, metric="answered_items")
    first = achievement(product=product, achievement_id=f"a-{number}")
    request = pb.LoadAchievementsRequest(achievements=[last, first, achievement()])
    loaded = await admin.LoadAchievements(request, metadata=internal)
    assert (loaded.created_count, loaded.updated_count, loaded.unchanged_count) == (3, 0, 0)

    listed = await admin.ListAchievements(pb.ListAchievementsRequest(product=product), metadata=internal)
    assert list(listed.achievements) == [first, last]

    last.threshold = 25
    loaded = await admin.LoadAchievements(request.__class__(achievements=[last, first]), metadata=internal)
    assert (loaded.created_count, loaded.updated_count, loaded.unchanged_count) == (0, 1, 1)
    listed = await admin.ListAchievements(pb.ListAchievementsRequest(product="none"), metadata=internal)
    assert not listed.achievements


@pytest.mark.parametrize("changes", [{"threshold": 0}, {"threshold": float("nan")}, {"metric": "luck"}])
async def test_an_achievement_that_can_never_be_measured_is_refused(
    admin: Admin, internal: Metadata, changes: dict[str, float | str]
) -> None:
    request = pb.LoadAchievementsRequest(achievements=[achievement(**changes)])

    assert (await refusal(admin.LoadAchievements(request, metadata=internal))).reason == "FIELD_INVALID"
    twice = pb.LoadAchievementsRequest(achievements=[achievement(achievement_id="twice")] * 2)
    assert (await refusal(admin.LoadAchievements(twice, metadata=internal))).reason == "FIELD_INVALID"
