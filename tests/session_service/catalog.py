"""A catalog for tests: a real server with activities that tests can reckon with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from practice.catalog.v1 import achievement_pb2, exercise_pb2
from practice.catalog.v1 import catalog_service_pb2 as pb
from practice.catalog.v1 import catalog_service_pb2_grpc as rpc

Context = grpc.aio.ServicerContext[Any, Any]

# The number in a word's id is its place; its translation is the same number.
MEDIUM = [f"m{number}" for number in range(1, 25)]
HARD = [f"h{number}" for number in range(1, 101)]


class Catalog(rpc.CatalogAdminServiceServicer):
    """Activity 123 asks `hello` and `goodbye`, 24 medium words, and 100 hard ones; 5 asks three words."""

    def __init__(self) -> None:
        self.words: dict[str, tuple[str, list[str]]] = {
            "words/en-hello": ("hello", ["hola"]),
            "words/en-goodbye": ("goodbye", ["adiós", "hasta luego"]),
            **{f"words/{word}": (f"to {word}", [f"a {word}"]) for word in [*MEDIUM, *HARD]},
        }
        easy, medium = ["easy", "medium"], ["medium"]
        words = [(f"words/{word}", medium) for word in MEDIUM]
        hard = [(f"words/{word}", ["hard"]) for word in HARD]
        greetings = [("words/en-hello", easy), ("words/en-goodbye", easy)]
        self.activities = {
            "activities/123": ("Basic Vocabulary", [*greetings, *words, *hard]),
            "activities/5": ("Three Words", [*greetings, words[0]]),
            "activities/6": ("Nothing yet", []),
        }
        self.achievements = [
            achievement_pb2.Achievement(
                achievement_id="sharp-mind",
                product="portal",
                type="accuracy",
                title="Sharp Mind",
                description="80% success rate in a session",
                metric="success_rate",
                threshold=0.8,
            )
        ]
        self.calls: list[str] = []
        self.down = False

    async def _answer(self, method: str, context: Context) -> None:
        self.calls.append(method)
        if self.down:
            await context.abort(grpc.StatusCode.INTERNAL, "broken")

    async def BatchGetAnswerKeys(
        self, request: pb.BatchGetAnswerKeysRequest, context: Context
    ) -> pb.BatchGetAnswerKeysResponse:
        await self._answer("BatchGetAnswerKeys", context)
        keys = [
            exercise_pb2.AnswerKey(item=item, accepted_answers=self.words[item][1])
            for item in request.items
            if item in self.words
        ]
        return pb.BatchGetAnswerKeysResponse(answer_keys=keys)

    async def FindContent(self, request: pb.FindContentRequest, context: Context) -> pb.FindContentResponse:
        await self._answer("FindContent", context)
        names = [name for name in request.names if name in self.activities]
        contents = [
            pb.Content(name=name, title=self.activities[name][0], type="flashcards") for name in names
        ]
        return pb.FindContentResponse(names=names, contents=contents)

    async def ListContentItems(
        self, request: pb.ListContentItemsRequest, context: Context
    ) -> pb.ListContentItemsResponse:
        await self._answer("ListContentItems", context)
        items = [
            pb.ContentItem(item=item, prompt=self.words[item][0], difficulties=levels)
            for item, levels in self.activities[request.content][1]
        ]
        return pb.ListContentItemsResponse(items=items)

    async def ListAchievements(
        self, request: pb.ListAchievementsRequest, context: Context
    ) -> pb.ListAchievementsResponse:
        await self._answer("ListAchievements", context)
        mine = [each for each in self.achievements if each.product == request.product]
        return pb.ListAchievementsResponse(achievements=mine)


@asynccontextmanager
async def serving_catalog() -> AsyncIterator[tuple[Catalog, str]]:
    """Yields the service and its address."""
    server = grpc.aio.server()
    catalog = Catalog()
    rpc.add_CatalogAdminServiceServicer_to_server(catalog, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield catalog, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
