"""Badges: what there is to earn, what was published, and what a new one would do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import badge_service_pb2_grpc as rpc

from service_kit.call import current_call
from service_kit.paging import PageRequest, decode_page_number, encode_page_token, invalid_page_token
from stats_service.adapters.grpc.converters import (
    badge_content_from_proto,
    badge_content_to_proto,
    instant_to_proto,
)
from stats_service.application.badge_commands import DryRunBadge
from stats_service.application.badge_queries import ListBadgeDefinitions, ListBadges, SeenBadge
from stats_service.application.ports.badges import PublishedVersion, VersionKey

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.BadgeAdminService"
_DEFAULT_BADGES = 50
_DEFAULT_VERSIONS = 200
_DEFAULT_LEARNERS = 50_000


class BadgeServicer(rpc.BadgeServiceServicer):
    """Implements practice.stats.v1.BadgeService."""

    def __init__(self, list_badges: ListBadges) -> None:
        self._list_badges = list_badges

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Returns a page of badges."""
        wanted = PageRequest(
            "ListBadges", request.page_size, request.page_token, (request.product,), _DEFAULT_BADGES
        )
        after = wanted.position() or ""
        if not isinstance(after, str):
            raise invalid_page_token()
        badges, pending = await self._list_badges(
            current_call().user_id,
            request.product,
            after=after,
            limit=wanted.limit,
            min_user_seq=request.min_user_seq,
        )
        page = wanted.page(badges, lambda each: each.badge.badge_id)
        return pb.ListBadgesResponse(
            badges=map(_seen_to_proto, page.items), next_page_token=page.next_page_token, pending=pending
        )


@dataclass(frozen=True, slots=True)
class AdminUseCases:
    """What operators ask of badges."""

    list_badge_definitions: ListBadgeDefinitions
    dry_run_badge: DryRunBadge


class BadgeAdminServicer(rpc.BadgeAdminServiceServicer):
    """Implements practice.stats.v1.BadgeAdminService."""

    def __init__(self, use_cases: AdminUseCases) -> None:
        self._use = use_cases
        # One at a time: a dry run takes a core and the only connection there is for it.
        self._turn = asyncio.Lock()

    async def ListBadgeDefinitions(
        self, request: pb.ListBadgeDefinitionsRequest, context: Context
    ) -> pb.ListBadgeDefinitionsResponse:
        """Returns a page of versions."""
        wanted = PageRequest(
            "ListBadgeDefinitions",
            request.page_size,
            request.page_token,
            (request.badge_id, request.newest_only),
            _DEFAULT_VERSIONS,
        )
        found = await self._use.list_badge_definitions(
            badge_id=request.badge_id,
            newest_only=request.newest_only,
            after=_key_from_position(wanted.position()),
            limit=wanted.limit,
        )
        page = wanted.page(found, lambda each: [each.content.badge_id, each.version])
        return pb.ListBadgeDefinitionsResponse(
            versions=map(_version_to_proto, page.items), next_page_token=page.next_page_token
        )

    async def DryRunBadge(self, request: pb.DryRunBadgeRequest, context: Context) -> pb.DryRunBadgeResponse:
        """Examines a page of learners."""
        badge = badge_content_from_proto(request.badge_definition, "badge_definition")
        chosen = [badge.badge_id, *badge.demand]
        after = decode_page_number("DryRunBadge", chosen, request.page_token) or 0
        async with self._turn:
            # It computes and blocks; the event loop must not.
            found = await asyncio.to_thread(
                self._use.dry_run_badge,
                badge,
                after_user_id=after,
                most=request.page_size or _DEFAULT_LEARNERS,
            )
            learners = 0 if request.page_token else await asyncio.to_thread(self._use.dry_run_badge.learners)
        more = ""
        if found.after_user_id is not None:
            more = encode_page_token("DryRunBadge", chosen, found.after_user_id)
        return pb.DryRunBadgeResponse(
            earners=[
                pb.BadgeEarner(user_id=each.user_id, award_time=instant_to_proto(each.award_time))
                for each in found.earners
            ],
            holder_count=found.holders,
            examined_count=found.examined,
            learner_count=learners,
            next_page_token=more,
        )


def _seen_to_proto(seen: SeenBadge) -> pb.Badge:
    badge = pb.Badge(
        definition=badge_content_to_proto(seen.badge, seen.version), earned=seen.award is not None
    )
    if seen.award is not None:
        badge.award_time.CopyFrom(instant_to_proto(seen.award.award_time))
        badge.session_id = seen.award.session_id
    return badge


def _version_to_proto(published: PublishedVersion) -> pb.BadgeVersion:
    version = pb.BadgeVersion(definition=badge_content_to_proto(published.content, published.version))
    if published.replaced_at is not None:
        version.replace_time.CopyFrom(instant_to_proto(published.replaced_at))
    return version


def _key_from_position(position: Any) -> VersionKey | None:
    match position:
        case None:
            return None
        case [str(badge_id), int(version)] if 0 <= version < 2**31:
            return badge_id, version
    raise invalid_page_token()
