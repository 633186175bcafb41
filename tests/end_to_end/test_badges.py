"""A badge is tried, published while people practise, and found by those who deserve it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from practice.stats.v1 import progress_pb2, stats_service_pb2, stats_service_pb2_grpc

from deploy.local.stack import LocalStack
from service_kit.grpc.channels import INTERNAL_KEY
from tests.end_to_end.command import practice
from tests.end_to_end.conftest import Learner, MakeLearner
from tests.end_to_end.focusing import practise
from tests.waiting import PATIENCE_SECONDS, eventually


def publish(stack: LocalStack, definition: progress_pb2.BadgeDefinition) -> None:
    """Loads a definition as an editor's tool does: through the admin API."""
    token = (stack.layout.secrets / "internal_token").read_text().strip()
    with grpc.insecure_channel(f"127.0.0.1:{stack.settings.ports.stats}") as channel:
        stats_service_pb2_grpc.StatsAdminServiceStub(channel).LoadBadgeDefinitions(
            stats_service_pb2.LoadBadgeDefinitionsRequest(badge_definitions=[definition]),
            metadata=((INTERNAL_KEY, token),),
            timeout=PATIENCE_SECONDS,
        )


def focus_for(learner: Learner, seconds: int) -> None:
    fresh = f"/v1/standing?product=focus&min_user_seq={practise(learner, seconds)}"
    eventually(lambda: not learner.ok("GET", fresh)["pending"])


def catalog(learner: Learner, query: str = "") -> dict[str, Any]:
    """Every badge that a learner is shown, by id."""
    badges: dict[str, Any] = {}
    token = ""
    while True:
        path = f"/v1/badgeDefinitions?page_size=20&page_token={token}{query}"
        page = learner.ok("GET", path)
        badges |= {badge["definition"]["badge_id"]: badge for badge in page["badges"]}
        token = page["next_page_token"]
        if not token:
            return badges


def test_a_published_badge_goes_silently_to_those_whom_the_dry_run_named(
    stack: LocalStack, make_learner: MakeLearner, tmp_path: Path
) -> None:
    # A length that no other test has, so that its badge is only about these people.
    seconds = 300 + uuid.uuid4().int % 250
    deserving, other = make_learner(), make_learner("Bea")
    focus_for(deserving, seconds)
    focus_for(other, 60)

    badge_id = f"tried-{uuid.uuid4().hex[:8]}"
    condition = f"focus.sessions >= 1 && session.seconds == {seconds}"
    file = tmp_path / "badge.yaml"
    file.write_text(
        f"- id: {badge_id}\n  name: Tried\n  description: Focus for so long.\n  icon: 🧪\n"
        f"  product: focus\n  condition: {condition}\n",
        encoding="utf-8",
    )
    user_id = str(deserving.account["user_id"])
    for tried in (str(file), condition):
        named = practice(stack, "badges", "dry-run", tried, "--users")
        assert named.returncode == 0, named.stderr
        assert [line.split()[1] for line in named.stdout.splitlines()] == [user_id]
    row = practice(stack, "badges", "dry-run", str(file)).stdout.splitlines()[1].split()
    assert (row[:3], row[4:]) == ([badge_id, "1", "0"], [user_id])
    assert int(row[3].replace(",", "")) >= 2
    assert badge_id not in catalog(deserving)

    definition = progress_pb2.BadgeDefinition(
        badge_id=badge_id,
        name="Tried",
        description="Focus for so long.",
        icon="🧪",
        product="focus",
        condition=condition,
    )
    publish(stack, definition)
    earned = eventually(lambda: (badge := catalog(deserving, "&product=focus")[badge_id])["earned"] and badge)
    (focused,) = deserving.ok("GET", "/v1/sessions?product=focus&page_size=1")["sessions"]
    assert earned["award_time"] == focused["end_time"]
    assert earned["session_id"] == focused["name"].partition("/")[2]
    assert not catalog(other)[badge_id]["earned"]
    assert badge_id in practice(stack, "badges", "list").stdout

    again = practice(stack, "badges", "dry-run", str(file)).stdout.splitlines()[1].split()
    assert again[:3] == [badge_id, "0", "1"]


def test_surprises_and_drafts_are_not_shown_before_they_are_earned(learner: Learner) -> None:
    shown = catalog(learner)
    assert {"focus-first-session", "all-every-product"} <= set(shown)
    assert not {"all-early-bird", "season-new-year-2027"} & set(shown)
    assert not any(badge["earned"] for badge in shown.values())
    assert {badge["definition"]["product"] for badge in catalog(learner, "&product=yoga").values()} == {
        "yoga"
    }


def test_sessions_that_end_at_once_earn_a_badge_once(learner: Learner) -> None:
    started = [
        learner.ok("POST", "/exercises/session/start", {"session_type": "practice"})["session_id"]
        for _ in range(4)
    ]

    def end(session_id: object) -> None:
        learner.ok("POST", "/exercises/session/end", {"session_id": session_id})

    for session_id in started:
        answer = {"exercise_id": "123", "user_answer": "hable", "session_id": session_id}
        learner.ok("POST", "/exercises/submit", answer)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(end, started))
    eventually(lambda: learner.ok("GET", "/v1/standing?product=exercises")["totals"]["session_count"] == 4)
    badges = learner.ok("GET", "/v1/badges?product=exercises")["badges"]
    assert [badge["badge"]["badge_id"] for badge in badges] == ["exercises-first-session"]
