"""The admin services that content is loaded into, as fakes on a real gRPC server, and files to load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from practice.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from practice.session.v1 import product_admin_service_pb2, product_admin_service_pb2_grpc
from practice.stats.v1 import stats_service_pb2, stats_service_pb2_grpc

from deploy.commands.content import loading as content

SHIPPED = Path(__file__).parents[2] / "content"
TOKEN = "only-for-this-test"

PRODUCT = """\
- product: chess
  open_sessions: one_per_user
  second_start: resume
  modes: [blitz, rapid]
  items: exercises
  min_planned_seconds: 60
  max_planned_seconds: 7200
  elapsed: reported
  max_elapsed_seconds: 7200
  pause_again: records_elapsed
  outcomes: [completed, partial, abandoned]
  counted: [completed, partial]
  counts_unanswered: no
"""
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
ACTIVITY = """\
- id: 123
  title: Basic Vocabulary
  type: flashcards
  language: en
  translation_language: es
  words:
    - {id: en-hello, word: hello, translations: [hola], difficulties: [easy, medium]}
    - id: en-goodbye
      word: goodbye
      translations: [adiós, chao]
      difficulties: [easy]
"""
SEQUENCE = """\
- id: 123
  title: Morning
  description: Wakes the spine.
  difficulty: easy
  poses:
    - title: Mountain Pose
      sanskrit: Tadasana
      seconds: 45
      cue: Grow tall.
    - title: Rest
      seconds: 120
"""
PROBLEM = """\
- key: url-shortener
  title: Short links
  description: Make long addresses short.
  difficulty: easy
  categories: [Storage]
  estimated_time: 45 mins
  requirements: [Shorten]
  constraints: [Seven characters]
  hints: [Count]
"""
ACHIEVEMENT = """\
- id: sharp-mind
  product: portal
  type: accuracy
  title: Sharp Mind
  description: 80% success rate in a session
  metric: success_rate
  threshold: 0.8
"""
BADGE = """\
- id: focus-first-session
  name: First Focus
  description: Complete your first focus session.
  icon: 🌱
  product: focus
  condition: focus.sessions >= 1
"""


Response = TypeVar("Response")


class _Keeper:
    """Keeps what the services are sent, in order."""

    def __init__(self) -> None:
        self.requests: list[Message] = []

    def take(
        self, request: Message, entries: Sized, context: grpc.ServicerContext, answer: Callable[..., Response]
    ) -> Response:
        """Refuses callers without the internal token; says that entries are new the first time."""
        refuse_strangers(context)
        known = any(type(request) is type(earlier) for earlier in self.requests)
        self.requests.append(request)
        counts = {"unchanged_count": len(entries)} if known else {"created_count": len(entries)}
        return answer(**counts)


class FakeCatalog(catalog_service_pb2_grpc.CatalogAdminServiceServicer):
    """Takes content; every other call is unimplemented."""

    def __init__(self, keeper: _Keeper) -> None:
        self._keeper = keeper

    def LoadExercises(
        self, request: catalog_service_pb2.LoadExercisesRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadExercisesResponse:
        answer = catalog_service_pb2.LoadExercisesResponse
        return self._keeper.take(request, request.exercises, context, answer)

    def LoadActivities(
        self, request: catalog_service_pb2.LoadActivitiesRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadActivitiesResponse:
        answer = catalog_service_pb2.LoadActivitiesResponse
        return self._keeper.take(request, request.activities, context, answer)

    def LoadSequences(
        self, request: catalog_service_pb2.LoadSequencesRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadSequencesResponse:
        answer = catalog_service_pb2.LoadSequencesResponse
        return self._keeper.take(request, request.sequences, context, answer)

    def LoadProblems(
        self, request: catalog_service_pb2.LoadProblemsRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadProblemsResponse:
        answer = catalog_service_pb2.LoadProblemsResponse
        return self._keeper.take(request, request.problems, context, answer)

    def LoadAchievements(
        self, request: catalog_service_pb2.LoadAchievementsRequest, context: grpc.ServicerContext
    ) -> catalog_service_pb2.LoadAchievementsResponse:
        answer = catalog_service_pb2.LoadAchievementsResponse
        return self._keeper.take(request, request.achievements, context, answer)


class FakeSession(product_admin_service_pb2_grpc.ProductAdminServiceServicer):
    """Takes products; every other call is unimplemented."""

    def __init__(self, keeper: _Keeper) -> None:
        self._keeper = keeper

    def LoadProducts(
        self, request: product_admin_service_pb2.LoadProductsRequest, context: grpc.ServicerContext
    ) -> product_admin_service_pb2.LoadProductsResponse:
        answer = product_admin_service_pb2.LoadProductsResponse
        return self._keeper.take(request, request.products, context, answer)


class FakeStats(stats_service_pb2_grpc.StatsAdminServiceServicer):
    """Takes badges; every other call is unimplemented."""

    def __init__(self, keeper: _Keeper) -> None:
        self._keeper = keeper

    def LoadBadgeDefinitions(
        self, request: stats_service_pb2.LoadBadgeDefinitionsRequest, context: grpc.ServicerContext
    ) -> stats_service_pb2.LoadBadgeDefinitionsResponse:
        answer = stats_service_pb2.LoadBadgeDefinitionsResponse
        return self._keeper.take(request, request.badge_definitions, context, answer)


def refuse_strangers(context: grpc.ServicerContext) -> None:
    if ("x-practice-internal", TOKEN) not in [(key, value) for key, value in context.invocation_metadata()]:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
    if context.time_remaining() is None:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a deadline is required")


class Services:
    """The admin services on one real server."""

    def __init__(self) -> None:
        self._keeper = _Keeper()
        self.server = grpc.server(ThreadPoolExecutor(max_workers=2))
        catalog_service_pb2_grpc.add_CatalogAdminServiceServicer_to_server(
            FakeCatalog(self._keeper), self.server
        )
        product_admin_service_pb2_grpc.add_ProductAdminServiceServicer_to_server(
            FakeSession(self._keeper), self.server
        )
        stats_service_pb2_grpc.add_StatsAdminServiceServicer_to_server(FakeStats(self._keeper), self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    @property
    def requests(self) -> list[Message]:
        """What came, in order."""
        return self._keeper.requests

    def load(self, directory: Path, token: str = TOKEN) -> content.LoadReport:
        return content.load(directory, content.Addresses(self.address, self.address, self.address), token)


@contextmanager
def serving() -> Iterator[Services]:
    """Runs the fakes while the block lasts."""
    running = Services()
    try:
        yield running
    finally:
        running.server.stop(grace=None).wait()


def write(directory: Path, **texts: str) -> Path:
    """Writes texts to the files they are named after: `activities__basic` is activities/basic.yaml."""
    for name, text in texts.items():
        file = directory / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return directory


def faults_of(directory: Path) -> list[tuple[str, int, str]]:
    """Returns the faults of a directory: file, line and message."""
    return [
        (fault.file.relative_to(directory).as_posix(), fault.line, fault.message)
        for fault in content.check(directory)
    ]
