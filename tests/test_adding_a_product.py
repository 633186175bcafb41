"""The guide to a product with a wire format of its own, followed to the letter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT
from tests.tokens import TestTokens

GUIDE = (ROOT / "docs" / "adding-a-product.md").read_text(encoding="utf-8")
ROW = re.compile(r"\[content/products\.yaml\].*?```yaml\n(?P<code>.*?)```", re.DOTALL)
STEP = re.compile(
    r"^(?:New: `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`, (?P<where>above|below) `(?P<line>[^`]+)`)\n\n"
    r"```\w+\n(?P<code>.*?)```$",
    re.DOTALL | re.MULTILINE,
)
COPIED = (
    *("catalog_service", "content", "deploy", "gateway", "generated", "identity_service", "protos"),
    *("contract_kit", "service_kit", "session_service", "stats_service"),
)

# Run in the copy: what its own session service and gateway make of the product.
PLAY = """
import asyncio, json, sys
import grpc
from practice.products.chess.v1 import chess_service_pb2 as pb
from practice.products.chess.v1.chess_service_pb2_grpc import ChessServiceStub
from practice.session.v1 import product_admin_service_pb2 as products_pb
from practice.session.v1.product_admin_service_pb2_grpc import ProductAdminServiceStub
from google.protobuf.json_format import ParseDict
from deploy.commands.content.files import SHIPPED, read_content
from gateway.products import PRODUCTS
from session_service.main import serving
from session_service.settings import SessionSettings

async def told(call):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        metadata = dict(error.trailing_metadata())
        return [metadata["x-practice-status"], json.loads(metadata["x-practice-body"])]

async def play(settings, me, internal):
    content = read_content(SHIPPED)
    assert content.faults == [], content.faults
    rows = [ParseDict(entry, products_pb.ProductRow()) for entry in content.entries["products"]]
    async with serving(SessionSettings(**settings)) as running:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            admin, chess = ProductAdminServiceStub(channel), ChessServiceStub(channel)
            load = products_pb.LoadProductsRequest(products=rows)
            loaded = await admin.LoadProducts(load, metadata=internal)
            starting = chess.StartGame(pb.StartGameRequest(), metadata=me)
            started = await starting
            status = dict(await starting.initial_metadata())["x-practice-status"]
            second = await told(chess.StartGame(pb.StartGameRequest(), metadata=me))
            end = pb.EndGameRequest(game=int(started.game), seconds=90)
            ended = await chess.EndGame(end, metadata=me)
            again = await told(chess.EndGame(end, metadata=me))
    (edge,) = [row for row in PRODUCTS if row.name == "chess"]
    return {
        "loaded": [loaded.created_count, loaded.unchanged_count],
        "started": [status, started.speed, started.over],
        "second": second,
        "ended": [ended.over, ended.seconds],
        "again": again,
        "prefixes": edge.prefixes,
    }

settings, me, internal = json.load(sys.stdin)
pairs = lambda metadata: tuple(map(tuple, metadata))
print(json.dumps(asyncio.run(play(settings, pairs(me), pairs(internal)))))
"""


@dataclass
class Copy:
    """A copy of the sources, and what was done to it."""

    home: Path
    touched: set[str]

    def write(self, file: str, text: str) -> None:
        path = self.home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.touched.add(file)

    def insert(self, file: str, line: str, code: str, *, below: bool) -> None:
        lines = (self.home / file).read_text(encoding="utf-8").splitlines(keepends=True)
        (place,) = [number for number, each in enumerate(lines) if each.rstrip("\n") == line]
        lines.insert(place + below, code)
        self.write(file, "".join(lines))

    def run(self, *arguments: str, **options: Any) -> str:
        environment = {**os.environ, "PYTHONPATH": f"{self.home / 'generated'}:{self.home}"}
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The sources after every step of the guide."""
    copy = Copy(tmp_path_factory.mktemp("followed"), set())
    for name in COPIED:
        shutil.copytree(ROOT / name, copy.home / name, ignore=shutil.ignore_patterns("__pycache__"))
    row = ROW.search(GUIDE)
    assert row is not None
    rows = copy.home / "content" / "products.yaml"
    copy.write("content/products.yaml", f"{rows.read_text(encoding='utf-8')}\n{row['code']}")
    for step in STEP.finditer(GUIDE):
        if step["new"]:
            assert not (copy.home / step["new"]).exists()
            copy.write(step["new"], step["code"])
        else:
            copy.insert(step["file"], step["line"], step["code"], below=step["where"] == "below")
    copy.run("protos/generate.py")
    return copy


def test_the_guide_names_the_files_that_it_touches(followed: Copy) -> None:
    chess = "session_service/adapters/grpc/products/chess"
    assert followed.touched == {
        "content/products.yaml",
        "protos/practice/products/chess/v1/chess_service.proto",
        *(f"{chess}/{name}.py" for name in ("__init__", "errors", "servicer")),
        "session_service/wiring.py",
        "session_service/main.py",
        "gateway/products.py",
    }


def test_a_product_built_from_the_guide_is_served_in_its_own_words(
    followed: Copy,
    service_settings: dict[str, Any],
    fresh_database_url: str,
    redis_url: str,
    tokens: TestTokens,
    internal_token: str,
) -> None:
    settings = {**service_settings, "database_url": fresh_database_url, "redis_url": redis_url}
    asked = [settings, tokens.bearer(7), [["x-practice-internal", internal_token]]]
    # After what the service logs.
    *_, told = followed.run("-c", PLAY, input=json.dumps(asked, default=str)).splitlines()
    played = json.loads(told)
    assert played["loaded"] == [1, 5]
    assert played["started"] == ["201", "blitz", False]
    status, body = played["second"]
    assert (status, list(body)) == ("409", ["problem"])
    assert played["ended"] == [True, 90]
    assert played["again"][0] == "409"
    assert played["prefixes"] == ["/chess/"]


def test_what_the_guide_writes_is_as_all_code_here(followed: Copy) -> None:
    written = sorted(file for file in followed.touched if file.endswith(".py"))
    configured = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    followed.run("-m", "ruff", "check", *configured, *written)
    followed.run("-m", "ruff", "format", "--check", *configured, *written)
