"""What an editor is told about badges, by a service that answers page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.stats.v1 import badge_service_pb2 as pb
from practice.stats.v1 import badge_service_pb2_grpc as rpc
from practice.stats.v1 import progress_pb2

from tests.deploy.content_services import BADGE, refuse_strangers
from tests.deploy.editor import Editor, editing

PAGE = 8


class FakeBadges(rpc.BadgeAdminServiceServicer):
    """Says that everybody of twenty, but for who has it, would get whatever badge."""

    def __init__(self) -> None:
        self.tried: list[progress_pb2.BadgeDefinition] = []

    def ListBadgeDefinitions(
        self, request: pb.ListBadgeDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListBadgeDefinitionsResponse:
        refuse_strangers(context)
        draft = progress_pb2.BadgeDefinition(
            badge_id="season",
            version=2,
            name="Season",
            condition="total.days >= 5",
            first_date="2026-12-01",
            hidden=True,
            state=progress_pb2.BADGE_STATE_INACTIVE,
        )
        newest = pb.BadgeVersion(definition=draft)
        old = pb.BadgeVersion(
            definition=progress_pb2.BadgeDefinition(badge_id="season", version=1),
            replace_time=Timestamp(seconds=1),
        )
        if request.newest_only:
            return pb.ListBadgeDefinitionsResponse(versions=[newest])
        if request.page_token:
            return pb.ListBadgeDefinitionsResponse(versions=[newest])
        return pb.ListBadgeDefinitionsResponse(versions=[old], next_page_token="more")

    def DryRunBadge(
        self, request: pb.DryRunBadgeRequest, context: grpc.ServicerContext
    ) -> pb.DryRunBadgeResponse:
        refuse_strangers(context)
        if request.badge_definition.condition == "odd":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The badge: condition is odd")
        self.tried.append(request.badge_definition)
        first = int(request.page_token or 1)
        people = range(first, min(first + PAGE, 21))
        return pb.DryRunBadgeResponse(
            earners=[pb.BadgeEarner(user_id=user, award_time=Timestamp(seconds=user)) for user in people[1:]],
            holder_count=1,
            examined_count=len(people),
            learner_count=0 if request.page_token else 20,
            next_page_token=str(people.stop) if people.stop < 21 else "",
        )


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor[FakeBadges]]:
    with editing(
        "badges", "STATS_ADDRESS", FakeBadges(), rpc.add_BadgeAdminServiceServicer_to_server, tmp_path
    ) as editor:
        yield editor


def test_a_dry_run_adds_up_the_pages_and_names_some(editor: Editor[FakeBadges]) -> None:
    done = editor.runs("dry-run", "focus.sessions >= 1")
    assert done.returncode == 0, done.stderr
    heading, row = done.stdout.splitlines()
    assert heading.split() == ["badge", "would", "get", "it", "have", "it", "examined", "users"]
    assert row.split() == ["(condition)", "17", "3", "20", *map(str, [*range(2, 9), 10, 11, 12]), "..."]
    assert {badge.condition for badge in editor.service.tried} == {"focus.sessions >= 1"}


def test_everybody_is_named_a_line_each_with_the_time(editor: Editor[FakeBadges]) -> None:
    lines = editor.runs("dry-run", "focus.sessions >= 1", "--users").stdout.splitlines()
    assert len(lines) == 17
    assert lines[-1] == "(condition) 20 1970-01-01T00:00:20Z"


def test_the_badges_of_a_file_are_tried_or_some_of_them(editor: Editor[FakeBadges], tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(BADGE + BADGE.replace("focus-first", "focus-second") + "  first_day: 2026-12-01\n")
    rows = editor.runs("dry-run", str(file)).stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["focus-first-session", "focus-second-session"]
    assert editor.service.tried[-1].first_date == "2026-12-01"
    (row,) = editor.runs("dry-run", str(file), "--id", "focus-second-session").stdout.splitlines()[1:]
    assert row.startswith("focus-second-session")
    refused = editor.runs("dry-run", str(file), "--id", "focus-third")
    assert (refused.returncode, refused.stderr) == (1, f"error: {file} has no focus-third\n")


def test_a_fault_in_a_file_is_told_with_its_line_and_nothing_is_asked(
    editor: Editor[FakeBadges], tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(BADGE.replace("focus.sessions", "focus.smiles"))
    refused = editor.runs("dry-run", str(file))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{file}:6: condition 'focus.smiles' is no variable")
    assert editor.service.tried == []
    missing = editor.runs("dry-run", "not-there.yaml")
    assert missing.returncode == 1
    assert missing.stderr == "error: not-there.yaml: no such file or directory: name one that is there\n"


def test_what_the_service_refuses_is_one_line(editor: Editor[FakeBadges]) -> None:
    refused = editor.runs("dry-run", "odd")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith(" refuses: The badge: condition is odd\n")
    assert refused.stderr.startswith("error: the stats service at 127.0.0.1:")


def test_badges_are_listed_with_their_state_and_days(editor: Editor[FakeBadges]) -> None:
    (row,) = editor.runs("list").stdout.splitlines()[1:]
    assert " ".join(row.split()) == "season 2 inactive hidden 2026-12-01 to ... Season total.days >= 5"
    rows = editor.runs("list", "--all").stdout.splitlines()[1:]
    assert [line.split()[:3] for line in rows] == [["season", "1", "replaced"], ["season", "2", "inactive"]]
