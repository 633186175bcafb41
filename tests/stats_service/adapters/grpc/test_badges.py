"""What there is to earn, what was published and what a new badge would do, over a real server and stub."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any, TypeAlias

import grpc
import pytest
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import badge_service_pb2_grpc as rpc
from practice.stats.v1 import progress_pb2, stats_service_pb2, stats_service_pb2_grpc

from service_kit.paging import encode_page_token
from tests.grpc_errors import refusal
from tests.stats_service.adapters.db.badges import badge, publish
from tests.stats_service.conftest import Apply
from tests.stats_service.facts import completion, history
from tests.tokens import TestTokens

Badges: TypeAlias = "rpc.BadgeServiceAsyncStub"
Admin: TypeAlias = "rpc.BadgeAdminServiceAsyncStub"
Metadata = tuple[tuple[str, str], ...]
DAYS = [date(2026, 2, 1) + timedelta(days=number) for number in range(5)]


@pytest.fixture
def badges(channel: grpc.aio.Channel) -> Badges:
    return rpc.BadgeServiceStub(channel)


@pytest.fixture
def badge_admin(channel: grpc.aio.Channel) -> Admin:
    return rpc.BadgeAdminServiceStub(channel)


@pytest.fixture
def me(tokens: TestTokens) -> Metadata:
    return tuple(tokens.bearer(1))


async def ids(badges: Badges, metadata: Metadata, **fields: Any) -> list[str]:
    listed = await badges.ListBadges(pb.ListBadgesRequest(**fields), metadata=metadata)
    return [each.definition.badge_id for each in listed.badges]


async def test_a_badge_is_shown_before_and_after_it_is_earned(
    badges: Badges, me: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("two", 2))
    (before,) = (await badges.ListBadges(pb.ListBadgesRequest(), metadata=me)).badges
    assert before == pb.Badge(
        definition=progress_pb2.BadgeDefinition(
            badge_id="two",
            version=1,
            name="Two",
            description="Reach 2 sessions.",
            icon="🌱",
            product="focus",
            condition="focus.sessions >= 2",
            state=progress_pb2.BADGE_STATE_ACTIVE,
        )
    )
    facts = history(1, DAYS[:2])
    apply(*facts)
    (after,) = (await badges.ListBadges(pb.ListBadgesRequest(min_user_seq=2), metadata=me)).badges
    assert after.definition == before.definition
    assert (after.earned, after.session_id) == (True, facts[1].session_id)
    assert after.award_time.ToDatetime(UTC) == facts[1].end_time


async def test_hidden_and_locked_badges_are_shown_to_those_who_have_them(
    badges: Badges, me: Metadata, tokens: TestTokens, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("hidden", 1, hidden=True), badge("limited", 1), badge("open", 9))
    apply(completion(user_id=1))
    await publish(
        fresh_database_url, badge("limited", 1, state="locked"), badge("draft", 1, state="inactive")
    )
    assert await ids(badges, me) == ["hidden", "limited", "open"]
    assert await ids(badges, tuple(tokens.bearer(2))) == ["open"]


async def test_an_earned_badge_is_shown_as_it_was_earned_and_another_as_it_is_now(
    badges: Badges, me: Metadata, tokens: TestTokens, apply: Apply, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("pair", 2))
    apply(*history(1, DAYS[:2]))
    await publish(fresh_database_url, badge("pair", 50))
    for metadata, threshold in ((me, 2), (tuple(tokens.bearer(2)), 50)):
        (shown,) = (await badges.ListBadges(pb.ListBadgesRequest(), metadata=metadata)).badges
        assert shown.definition.condition == f"focus.sessions >= {threshold}"


async def test_badges_are_listed_by_product_and_page(
    badges: Badges, me: Metadata, apply: Apply, fresh_database_url: str
) -> None:
    await publish(
        fresh_database_url, badge("yoga", 1, product="yoga"), *(badge(f"b-{n}", n) for n in (1, 2, 3))
    )
    apply(completion(user_id=1))
    assert await ids(badges, me, product="yoga") == ["yoga"]
    listed, token = [], ""
    for _ in range(2):
        request = pb.ListBadgesRequest(product="focus", page_size=2, page_token=token)
        page = await badges.ListBadges(request, metadata=me)
        listed.append([(each.definition.badge_id, each.earned) for each in page.badges])
        token = page.next_page_token
    assert listed == [[("b-1", True), ("b-2", False)], [("b-3", False)]]
    assert token == ""


async def test_a_page_token_of_another_list_is_refused(
    badges: Badges, badge_admin: Admin, me: Metadata, internal: Metadata
) -> None:
    calls = [
        badges.ListBadges(pb.ListBadgesRequest(page_token="?"), metadata=me),
        badges.ListBadges(
            pb.ListBadgesRequest(page_token=encode_page_token("ListBadges", [""], 7)), metadata=me
        ),
        badges.ListBadges(
            pb.ListBadgesRequest(page_token=encode_page_token("ListBadges", ["yoga"], "a")), metadata=me
        ),
        badge_admin.ListBadgeDefinitions(
            pb.ListBadgeDefinitionsRequest(
                page_token=encode_page_token("ListBadgeDefinitions", ["", False], "a")
            ),
            metadata=internal,
        ),
        badge_admin.DryRunBadge(tried(page_token=encode_page_token("DryRunBadge", [], 3)), metadata=internal),
    ]
    for call in calls:
        refused = await refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_badges_need_a_token_and_their_administration_a_service(
    badges: Badges, badge_admin: Admin, me: Metadata
) -> None:
    anonymous = await refusal(badges.ListBadges(pb.ListBadgesRequest()))
    assert anonymous.code == grpc.StatusCode.UNAUTHENTICATED
    for call in (
        badge_admin.ListBadgeDefinitions(pb.ListBadgeDefinitionsRequest(), metadata=me),
        badge_admin.DryRunBadge(tried(), metadata=me),
    ):
        assert (await refusal(call)).code == grpc.StatusCode.PERMISSION_DENIED


async def test_every_version_is_listed_with_the_time_it_was_replaced(
    badge_admin: Admin, internal: Metadata, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("a", 1), badge("b", 1, state="inactive"))
    await publish(fresh_database_url, badge("a", 2, hidden=True, first_day=DAYS[0], last_day=DAYS[1]))
    await publish(fresh_database_url, badge("a", 2, state="locked"))

    async def listed(**fields: Any) -> list[tuple[str, int, bool]]:
        found, token = [], ""
        while True:
            request = pb.ListBadgeDefinitionsRequest(page_size=2, page_token=token, **fields)
            page = await badge_admin.ListBadgeDefinitions(request, metadata=internal)
            found += page.versions
            token = page.next_page_token
            if not token:
                return [
                    (each.definition.badge_id, each.definition.version, each.HasField("replace_time"))
                    for each in found
                ]

    assert await listed() == [("a", 1, True), ("a", 2, True), ("a", 3, False), ("b", 1, False)]
    assert await listed(newest_only=True) == [("a", 3, False), ("b", 1, False)]
    assert await listed(badge_id="b") == [("b", 1, False)]
    request = pb.ListBadgeDefinitionsRequest(badge_id="a")
    second = (await badge_admin.ListBadgeDefinitions(request, metadata=internal)).versions[1].definition
    assert (second.first_date, second.last_date, second.hidden) == ("2026-02-01", "2026-02-02", True)


async def test_a_badge_that_was_active_is_not_loaded_as_a_draft(
    channel: grpc.aio.Channel, internal: Metadata, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, badge("pair", 2))
    draft = progress_pb2.BadgeDefinition(
        badge_id="pair",
        name="Pair",
        description="Two.",
        icon="🌱",
        product="focus",
        condition="focus.sessions >= 2",
        state=progress_pb2.BADGE_STATE_INACTIVE,
    )
    admin = stats_service_pb2_grpc.StatsAdminServiceStub(channel)
    request = stats_service_pb2.LoadBadgeDefinitionsRequest(badge_definitions=[draft])
    refused = await refusal(admin.LoadBadgeDefinitions(request, metadata=internal))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BADGE_STATE_INVALID")


def tried(condition: str = "focus.sessions >= 2", **fields: Any) -> pb.DryRunBadgeRequest:
    definition = progress_pb2.BadgeDefinition(condition=condition)
    return pb.DryRunBadgeRequest(badge_definition=definition, **fields)


async def test_a_dry_run_tells_who_would_have_a_badge_and_since_when(
    badge_admin: Admin, internal: Metadata, apply: Apply
) -> None:
    learners = {user_id: history(user_id, DAYS[:user_id]) for user_id in (1, 2, 3, 4)}
    for facts in learners.values():
        apply(*facts)
    whole = await badge_admin.DryRunBadge(tried(), metadata=internal)
    assert [(each.user_id, each.award_time.ToDatetime(UTC)) for each in whole.earners] == [
        (user_id, learners[user_id][1].end_time) for user_id in (2, 3, 4)
    ]
    assert (whole.examined_count, whole.learner_count, whole.holder_count) == (4, 4, 0)


async def test_a_dry_run_goes_on_page_after_page(
    badge_admin: Admin, internal: Metadata, apply: Apply
) -> None:
    for user_id in (1, 2, 3):
        apply(*history(user_id, DAYS[:2]))
    first = await badge_admin.DryRunBadge(tried(page_size=2), metadata=internal)
    assert ([each.user_id for each in first.earners], first.examined_count, first.learner_count) == (
        [1, 2],
        2,
        3,
    )
    token = first.next_page_token
    rest = await badge_admin.DryRunBadge(tried(page_size=2, page_token=token), metadata=internal)
    assert ([each.user_id for each in rest.earners], rest.learner_count, rest.next_page_token) == ([3], 0, "")
    other = tried("focus.sessions >= 3", page_token=token)
    assert (await refusal(badge_admin.DryRunBadge(other, metadata=internal))).reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"condition": "focus.smiles > 1"}, "badge_definition.condition"),
        ({}, "badge_definition.condition"),
        ({"condition": "focus.sessions > 1", "first_date": "soon"}, "badge_definition.first_date"),
        (
            {"condition": "focus.sessions > 1", "first_date": "2026-02-02", "last_date": "2026-02-01"},
            "badge_definition.last_date",
        ),
    ],
)
async def test_a_dry_run_of_what_cannot_be_earned_is_refused(
    badge_admin: Admin, internal: Metadata, definition: dict[str, str], field: str
) -> None:
    request = pb.DryRunBadgeRequest(badge_definition=progress_pb2.BadgeDefinition(**definition))
    refused = await refusal(badge_admin.DryRunBadge(request, metadata=internal))
    assert (refused.code, refused.metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, field)
