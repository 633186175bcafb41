"""Badges: what there is to earn, what was published, and what a new one would do."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import badge_service_pb2_grpc as rpc

from service_kit.call import current_call
from service_kit.paging import decode_page_number, decode_page_token, encode_page_token, invalid_page_token
from stats_service.adapters.grpc.converters import from_badge_content, to_badge_content, to_timestamp
from stats_service.application.dry_run_badge import DryRunBadge
from stats_service.application.list_badge_definitions import ListBadgeDefinitions
from stats_service.application.list_badges import ListBadges, SeenBadge
from stats_service.application.ports.badges import PublishedVersion, VersionKey

Context = grpc.aio.ServicerContext[Any, Any]

ADMIN_SERVICE = "practice.stats.v1.BadgeAdminService"
_DEFAULT_BADGES = 50
_DEFAULT_VERSIONS = 200
_DEFAULT_PEOPLE = 50_000


class BadgeServicer(rpc.BadgeServiceServicer):
    """Implements practice.stats.v1.BadgeService."""

    def __init__(self, list_badges: ListBadges) -> None:
        self._list_badges = list_badges

    async def ListBadges(self, request: pb.ListBadgesRequest, context: Context) -> pb.ListBadgesResponse:
        """Returns a page of badges."""
        limit = request.page_size or _DEFAULT_BADGES
        chosen = [request.product]
        after = decode_page_token("ListBadges", chosen, request.page_token) or ""
        if not isinstance(after, str):
            raise invalid_page_token()
        badges, pending = await self._list_badges(
            current_call().user_id,
            request.product,
            after=after,
            limit=limit + 1,
            min_user_seq=request.min_user_seq,
        )
        more = ""
        if len(badges) > limit:
            more = encode_page_token("ListBadges", chosen, badges[limit - 1].badge.badge_id)
        return pb.ListBadgesResponse(
            badges=map(_from_seen, badges[:limit]), next_page_token=more, pending=pending
        )


class BadgeAdminServicer(rpc.BadgeAdminServiceServicer):
    """Implements practice.stats.v1.BadgeAdminService."""

    def __init__(self, list_badge_definitions: ListBadgeDefinitions, dry_run_badge: DryRunBadge) -> None:
        self._list_badge_definitions = list_badge_definitions
        self._dry_run_badge = dry_run_badge
        # One at a time: a dry run takes a core and the only connection there is for it.
        self._turn = asyncio.Lock()

    async def ListBadgeDefinitions(
        self, request: pb.ListBadgeDefinitionsRequest, context: Context
    ) -> pb.ListBadgeDefinitionsResponse:
        """Returns a page of versions."""
        limit = request.page_size or _DEFAULT_VERSIONS
        chosen = [request.badge_id, request.newest_only]
        found = await self._list_badge_definitions(
            badge_id=request.badge_id,
            newest_only=request.newest_only,
            after=_to_key(decode_page_token("ListBadgeDefinitions", chosen, request.page_token)),
            limit=limit + 1,
        )
        more = ""
        if len(found) > limit:
            last = found[limit - 1]
            more = encode_page_token("ListBadgeDefinitions", chosen, [last.content.badge_id, last.version])
        return pb.ListBadgeDefinitionsResponse(
            versions=map(_from_version, found[:limit]), next_page_token=more
        )

    async def DryRunBadge(self, request: pb.DryRunBadgeRequest, context: Context) -> pb.DryRunBadgeResponse:
        """Examines a page of people."""
        badge = to_badge_content(request.badge_definition, "badge_definition")
        chosen = [badge.badge_id, *badge.demand]
        after = decode_page_number("DryRunBadge", chosen, request.page_token) or 0
        async with self._turn:
            # It computes and blocks; the event loop must not.
            found = await asyncio.to_thread(
                self._dry_run_badge, badge, after_user_id=after, most=request.page_size or _DEFAULT_PEOPLE
            )
            people = 0 if request.page_token else await asyncio.to_thread(self._dry_run_badge.people)
        more = ""
        if found.after_user_id is not None:
            more = encode_page_token("DryRunBadge", chosen, found.after_user_id)
        return pb.DryRunBadgeResponse(
            earners=[
                pb.BadgeEarner(user_id=each.user_id, award_time=to_timestamp(each.award_time))
                for each in found.earners
            ],
            holder_count=found.holders,
            examined_count=found.examined,
            person_count=people,
            next_page_token=more,
        )


def _from_seen(seen: SeenBadge) -> pb.Badge:
    badge = pb.Badge(definition=from_badge_content(seen.badge, seen.version), earned=seen.award is not None)
    if seen.award is not None:
        badge.award_time.CopyFrom(to_timestamp(seen.award.award_time))
        badge.session_id = seen.award.session_id
    return badge


def _from_version(published: PublishedVersion) -> pb.BadgeVersion:
    version = pb.BadgeVersion(definition=from_badge_content(published.content, published.version))
    if published.replaced_at is not None:
        version.replace_time.CopyFrom(to_timestamp(published.replaced_at))
    return version


def _to_key(position: Any) -> VersionKey | None:
    match position:
        case None:
            return None
        case [str(badge_id), int(version)] if 0 <= version < 2**31:
            return badge_id, version
    raise invalid_page_token()
