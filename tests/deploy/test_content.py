"""Content files: what ships is right, faults are found where they are, what is written is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import protovalidate
import pytest
from practice.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc, exercise_pb2
from practice.stats.v1 import progress_pb2, stats_service_pb2, stats_service_pb2_grpc

from deploy import content

SHIPPED = Path(__file__).parents[2] / "content"
TOKEN = "only-for-this-test"

EXERCISE = """\
- id: 123
  prompt: Espero que ella ___ con el profesor.
  cue: hablar
  instruction: present subjunctive, él/ella
  language: es
  difficulty: easy
  answers: [hable]
  explanation: After esperar que the verb is in the subjunctive.
"""
BADGE = """\
- id: focus-first-session
  name: First Focus
  description: Complete your first focus session.
  icon: 🌱
  product: focus
  metric: sessions
  threshold: 1
"""


class FakeCatalog(catalog_service_pb2_grpc.CatalogAdminServiceServicer):
    """Keeps what it is sent, and refuses callers without the internal token."""

    def __init__(self) -> None:
        self.requests: list[catalog_service_pb2.LoadExercisesRequest] = []

    def BatchGetAnswerKeys(  # noqa: N802
        self, request: catalog_service_pb2.BatchGetAnswerKeysRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.BatchGetAnswerKeysResponse:
        raise AssertionError("loading content reads no answer keys")

    def LoadExercises(  # noqa: N802
        self, request: catalog_service_pb2.LoadExercisesRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadExercisesResponse:
        refuse_strangers(context)
        new = not self.requests
        self.requests.append(request)
        count = len(request.exercises)
        return catalog_service_pb2.LoadExercisesResponse(
            created_count=count if new else 0, unchanged_count=0 if new else count
        )


class FakeStats(stats_service_pb2_grpc.StatsAdminServiceServicer):
    """Keeps what it is sent, and refuses callers without the internal token."""

    def __init__(self) -> None:
        self.requests: list[stats_service_pb2.LoadBadgeDefinitionsRequest] = []

    def LoadBadgeDefinitions(  # noqa: N802
        self, request: stats_service_pb2.LoadBadgeDefinitionsRequest, context: grpc.ServicerContext
    ) -> stats_service_pb2.LoadBadgeDefinitionsResponse:
        refuse_strangers(context)
        self.requests.append(request)
        return stats_service_pb2.LoadBadgeDefinitionsResponse(updated_count=len(request.badge_definitions))

    def GetApplied(  # noqa: N802
        self, request: stats_service_pb2.GetAppliedRequest, context: grpc.ServicerContext
    ) -> stats_service_pb2.GetAppliedResponse:
        raise AssertionError("loading content asks for no events")

    def GetUserStanding(  # noqa: N802
        self, request: stats_service_pb2.GetUserStandingRequest, context: grpc.ServicerContext
    ) -> stats_service_pb2.GetStandingResponse:
        raise AssertionError("loading content reads no standing")


def refuse_strangers(context: grpc.ServicerContext) -> None:
    if ("x-practice-internal", TOKEN) not in [(key, value) for key, value in context.invocation_metadata()]:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
    if context.time_remaining() is None:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a deadline is required")


class Services:
    """Both admin services on one real server."""

    def __init__(self) -> None:
        self.catalog = FakeCatalog()
        self.stats = FakeStats()
        self.server = grpc.server(ThreadPoolExecutor(max_workers=2))
        catalog_service_pb2_grpc.add_CatalogAdminServiceServicer_to_server(self.catalog, self.server)
        stats_service_pb2_grpc.add_StatsAdminServiceServicer_to_server(self.stats, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def load(self, directory: Path, token: str = TOKEN) -> content.LoadReport:
        return content.load(directory, self.address, self.address, token)


@pytest.fixture
def services() -> Iterator[Services]:
    running = Services()
    yield running
    running.server.stop(grace=None).wait()


def write(directory: Path, **files: str) -> Path:
    """Writes exercise files by name, and `badges` as the badge file."""
    (directory / "exercises").mkdir(exist_ok=True)
    for name, text in files.items():
        file = directory / "badges.yaml" if name == "badges" else directory / "exercises" / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
    return directory


def faults_of(directory: Path) -> list[tuple[str, int, str]]:
    return [
        (fault.file.relative_to(directory).as_posix(), fault.line, fault.message)
        for fault in content.check(directory)
    ]


def test_the_shipped_content_has_no_faults() -> None:
    assert content.check(SHIPPED) == []


def test_the_shipped_content_satisfies_the_contract_and_is_enough(services: Services) -> None:
    services.load(SHIPPED)
    (exercises,) = services.catalog.requests
    (badges,) = services.stats.requests
    protovalidate.validate(exercises)
    protovalidate.validate(badges)
    assert len(exercises.exercises) >= 40
    assert 12 <= len(badges.badge_definitions) <= 15
    answers = {exercise.exercise_id: list(exercise.accepted_answers) for exercise in exercises.exercises}
    assert answers[123] == ["hable"]


def test_a_well_written_directory_has_no_faults(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, present=EXERCISE, badges=BADGE)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("  cue:", "  hint:", 1, "cue is missing"),
        ("  cue:", "  hint:", 3, "hint is not a field; the fields are id, prompt, cue"),
        (
            "  language: es\n",
            "  cue: ir\n  language: es\n",
            5,
            "cue is given twice in one entry, first on line 3",
        ),
        ("id: 123", "id: abc", 1, "id must be a whole number in plain digits"),
        ("id: 123", 'id: "123"', 1, "id must be a whole number in plain digits"),
        ("id: 123", "id: 0123", 1, "id must be a whole number in plain digits"),
        ("id: 123", "id: 0", 1, "id must be from 1 to 999,999,999,999,999,999, not 0"),
        ("id: 123", "id: -5", 1, "id must be from 1 to 999,999,999,999,999,999, not -5"),
        ("ella ___ con", "ella con", 2, "prompt must have one gap, written ___"),
        ("ella ___ con", "ella ___ con ___", 2, "prompt must have one gap, written ___"),
        ("ella ___ con", "ella ____ con", 2, "prompt must have one gap, written ___"),
        ("cue: hablar", "cue:", 3, "cue must be text"),
        ("cue: hablar", "cue: no", 3, 'cue must be text; put it in quotes: "no"'),
        ("cue: hablar", "cue: [hablar]", 3, "cue must be text"),
        ("cue: hablar", 'cue: " "', 3, "cue must not be empty"),
        ("cue: hablar", 'cue: "hablar "', 3, "cue must not begin or end with a space"),
        ("cue: hablar", f"cue: {'a' * 101}", 3, "cue must be at most 100 characters, not 101"),
        ("language: es", "language: Spanish!", 5, "language must be a language tag"),
        ("difficulty: easy", "difficulty: trivial", 6, "difficulty must be one of easy, medium, hard"),
        ("answers: [hable]", "answers: hable", 7, "answers must be a list"),
        ("answers: [hable]", "answers: []", 7, "answers must have from 1 to 20 entries, not 0"),
        ("answers: [hable]", "answers: [hable, '']", 7, "answers must not be empty"),
        ("answers: [hable]", "answers:\n  - hable\n  - Hable", 9, "answers must not have 'Hable' twice"),
        ("answers: [hable]", "answers: [hable", 8, "is not YAML:"),
    ],
)
def test_each_fault_of_an_exercise_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in EXERCISE
    found = faults_of(write(tmp_path, present=EXERCISE.replace(old, new)))
    assert any(
        file == "exercises/present.yaml" and at == line and told.startswith(message)
        for file, at, told in found
    ), found


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "id: focus-first-session",
            "id: First Session",
            1,
            "id must be small letters, digits and single hyphens",
        ),
        ("product: focus", "product: chess", 5, "product must be one of exercises, focus, all, not 'chess'"),
        ("metric: sessions", "metric: smiles", 6, "metric must be one of sessions, seconds, days, answers"),
        ("threshold: 1", "threshold: 0", 7, "threshold must be from 1 to 9,223,372,036,854,775,807, not 0"),
        ("threshold: 1", "threshold: 10:00:00", 7, "threshold must be a whole number in plain digits"),
        ("threshold: 1", "threshold: 1.5", 7, "threshold must be a whole number in plain digits"),
    ],
)
def test_each_fault_of_a_badge_is_found_on_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in BADGE
    ((file, at, told),) = faults_of(write(tmp_path, badges=BADGE.replace(old, new)))
    assert (file, at) == ("badges.yaml", line)
    assert told.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no exercises"),
        ("# only a comment\n", "has no exercises"),
        ("[]\n", "must be a list of exercises, each beginning with '- id:'"),
        ("id: 123\n", "must be a list of exercises, each beginning with '- id:'"),
        ("- hable\n", "must be an entry with the fields id, prompt, cue"),
        ("- ? [a]\n  : b\n", "this is not a field"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_a_fault(tmp_path: Path, text: str, message: str) -> None:
    found = faults_of(write(tmp_path, present=text))
    assert any(told.startswith(message) for _, _, told in found), found


def test_bytes_that_are_no_text_are_a_fault_on_their_line(tmp_path: Path) -> None:
    directory = write(tmp_path, present=EXERCISE, bell=EXERCISE.replace("hablar", "hab\alar"))
    (directory / "exercises" / "latin.yaml").write_bytes(EXERCISE.encode("latin-1"))
    assert faults_of(directory) == [
        ("exercises/bell.yaml", 3, "has a character that no text has"),
        ("exercises/latin.yaml", 4, "is not UTF-8 text"),
    ]


def test_an_id_used_in_two_files_is_a_fault_that_names_both(tmp_path: Path) -> None:
    directory = write(tmp_path, future=EXERCISE, present="# second\n" + EXERCISE)
    ((file, line, message),) = faults_of(directory)
    assert (file, line) == ("exercises/present.yaml", 2)
    assert message == f"id 123 is taken already, at {directory}/exercises/future.yaml:1"


def test_an_id_used_twice_in_one_file_is_a_fault(tmp_path: Path) -> None:
    ((_, line, message),) = faults_of(write(tmp_path, badges=BADGE + BADGE))
    assert line == 8
    assert message.endswith("badges.yaml:1")


def test_every_fault_is_told_at_once_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    broken = EXERCISE.replace("hablar", "no").replace("easy", "trivial")
    places = [
        (file, line) for file, line, _ in faults_of(write(tmp_path, b=broken, a=broken.replace("123", "7")))
    ]
    assert places == [
        ("exercises/a.yaml", 3),
        ("exercises/a.yaml", 6),
        ("exercises/b.yaml", 3),
        ("exercises/b.yaml", 6),
    ]


def test_a_file_that_nothing_reads_is_a_fault(tmp_path: Path) -> None:
    directory = write(tmp_path, present=EXERCISE)
    (directory / "exercises" / "future.yml").write_text(EXERCISE, encoding="utf-8")
    (directory / "badge.yaml").write_text(BADGE, encoding="utf-8")
    assert [(file, message[:23]) for file, _, message in faults_of(directory)] == [
        ("badge.yaml", "is not read by anything"),
        ("exercises/future.yml", "is not read by anything"),
    ]


@pytest.mark.parametrize("name", [".", "not-there"])
def test_a_directory_without_content_is_a_fault(tmp_path: Path, name: str) -> None:
    (fault,) = content.check(tmp_path / name)
    assert fault.message == "there are no content files here"


def test_a_fault_reads_like_a_compilers(tmp_path: Path) -> None:
    directory = write(tmp_path, badges=BADGE.replace("threshold: 1", "threshold: 0"))
    (fault,) = content.check(directory)
    assert str(fault).startswith(f"{directory}/badges.yaml:7: threshold must be")


def test_what_is_written_is_what_is_sent(tmp_path: Path, services: Services) -> None:
    report = services.load(write(tmp_path, present=EXERCISE, badges=BADGE))
    assert services.catalog.requests == [
        catalog_service_pb2.LoadExercisesRequest(
            exercises=[
                exercise_pb2.ExerciseContent(
                    exercise_id=123,
                    prompt="Espero que ella ___ con el profesor.",
                    cue="hablar",
                    instruction="present subjunctive, él/ella",
                    language="es",
                    difficulty="easy",
                    accepted_answers=["hable"],
                    explanation="After esperar que the verb is in the subjunctive.",
                )
            ]
        )
    ]
    assert services.stats.requests == [
        stats_service_pb2.LoadBadgeDefinitionsRequest(
            badge_definitions=[
                progress_pb2.BadgeDefinition(
                    badge_id="focus-first-session",
                    name="First Focus",
                    description="Complete your first focus session.",
                    icon="🌱",
                    product="focus",
                    metric="sessions",
                    threshold=1,
                )
            ]
        )
    ]
    assert report.kinds == (content.Loaded("exercises", created=1), content.Loaded("badges", updated=1))


def test_loading_twice_sends_the_same(services: Services) -> None:
    services.load(SHIPPED)
    report = services.load(SHIPPED)
    first, second = services.catalog.requests
    assert first == second
    first_badges, second_badges = services.stats.requests
    assert first_badges == second_badges
    assert report.kinds[0] == content.Loaded("exercises", unchanged=len(first.exercises))


def test_more_than_a_request_holds_is_sent_in_batches(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "LARGEST_BATCH", 2)
    text = "".join(EXERCISE.replace("123", str(number)) for number in (1, 2, 3))
    report = services.load(write(tmp_path, present=text))
    sent = [[exercise.exercise_id for exercise in request.exercises] for request in services.catalog.requests]
    assert sent == [[1, 2], [3]]
    assert report.kinds[0] == content.Loaded("exercises", created=2, unchanged=1)


def test_a_kind_without_files_is_not_sent(tmp_path: Path, services: Services) -> None:
    report = services.load(write(tmp_path, badges=BADGE))
    assert services.catalog.requests == []
    assert report.kinds == (content.Loaded("exercises"), content.Loaded("badges", updated=1))


def test_content_with_a_fault_is_not_sent_at_all(tmp_path: Path, services: Services) -> None:
    directory = write(tmp_path, present=EXERCISE, badges=BADGE.replace("threshold: 1", "threshold: 0"))
    with pytest.raises(content.ContentRefusedError, match=r"badges\.yaml:7: threshold") as refused:
        services.load(directory)
    assert len(refused.value.faults) == 1
    assert services.catalog.requests == []
    assert services.stats.requests == []


def test_a_service_that_refuses_is_told_without_the_token(tmp_path: Path, services: Services) -> None:
    with pytest.raises(content.LoadFailedError) as failed:
        services.load(write(tmp_path, present=EXERCISE), token="wrong")
    assert str(failed.value) == (
        f"exercises were not loaded by {services.address}: PERMISSION_DENIED: not for you"
    )


def test_a_service_that_is_not_there_is_given_up_at_the_deadline(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "DEADLINE", 0.2)
    services.server.stop(grace=None).wait()
    with pytest.raises(content.LoadFailedError, match="DEADLINE_EXCEEDED"):
        services.load(write(tmp_path, present=EXERCISE))
