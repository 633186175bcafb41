"""What an editor sees and publishes of products, by a service that answers page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from practice.session.v1 import product_admin_service_pb2 as pb
from practice.session.v1 import product_admin_service_pb2_grpc as rpc

from tests.deploy.content_services import PRODUCT, refuse_strangers
from tests.deploy.editor import Editor, editing

CHESS = pb.ProductRow(
    product="chess",
    open_sessions=pb.ProductRow.OPEN_SESSIONS_ONE_PER_USER,
    second_start=pb.ProductRow.SECOND_START_REJECT,
    modes=["blitz", "rapid"],
    elapsed=pb.ProductRow.ELAPSED_REPORTED,
    max_elapsed_seconds=7200,
    pause_again=pb.ProductRow.PAUSE_AGAIN_NOTHING,
    outcomes=["completed", "abandoned"],
    counted=["completed"],
    counts_unanswered=False,
)
CHESS_SHOWN = """\
# version 2, published 1970-01-01T00:00:02Z, retired 1970-01-01T00:00:02Z
- product: chess
  open_sessions: one_per_user
  second_start: reject
  modes: [blitz, rapid]
  content_required: no
  picks_items: no
  submits: no
  elapsed: reported
  max_elapsed_seconds: 7200
  pause_again: nothing
  outcomes: [completed, abandoned]
  counted: [completed]
  counts_unanswered: no
"""


def version_of(number: int, *, retired: bool = False) -> pb.ProductVersion:
    return pb.ProductVersion(
        row=CHESS,
        version=number,
        publish_time=Timestamp(seconds=number),
        retire_time=Timestamp(seconds=number) if retired else None,
    )


class FakeProducts(rpc.ProductAdminServiceServicer):
    """Has one product, chess, that was retired by its second version."""

    def __init__(self) -> None:
        self.loaded: list[pb.LoadProductsRequest] = []

    def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.ServicerContext
    ) -> pb.ListProductsResponse:
        refuse_strangers(context)
        if request.newest_only or request.page_token:
            return pb.ListProductsResponse(versions=[version_of(2, retired=True)])
        return pb.ListProductsResponse(versions=[version_of(1)], next_page_token="more")

    def GetProduct(self, request: pb.GetProductRequest, context: grpc.ServicerContext) -> pb.ProductVersion:
        refuse_strangers(context)
        if request.product != "chess":
            context.abort(grpc.StatusCode.NOT_FOUND, f"There is no product {request.product}")
        return version_of(2, retired=True)

    def LoadProducts(
        self, request: pb.LoadProductsRequest, context: grpc.ServicerContext
    ) -> pb.LoadProductsResponse:
        refuse_strangers(context)
        self.loaded.append(request)
        return pb.LoadProductsResponse(updated_count=1, unchanged_count=len(request.products) - 1)

    def RetireProduct(
        self, request: pb.RetireProductRequest, context: grpc.ServicerContext
    ) -> pb.ProductVersion:
        refuse_strangers(context)
        return version_of(2, retired=True)

    def RestoreProduct(
        self, request: pb.RestoreProductRequest, context: grpc.ServicerContext
    ) -> pb.ProductVersion:
        refuse_strangers(context)
        return version_of(3)


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor[FakeProducts]]:
    with editing(
        "products", "SESSION_ADDRESS", FakeProducts(), rpc.add_ProductAdminServiceServicer_to_server, tmp_path
    ) as editor:
        yield editor


def test_products_are_listed_with_their_versions(editor: Editor[FakeProducts]) -> None:
    heading, row = editor.runs("list").stdout.splitlines()
    assert heading.split() == ["product", "version", "published", "retired", "content", "items", "modes"]
    instant = "1970-01-01T00:00:02Z"
    assert row.split() == ["chess", "2", instant, instant, "blitz", "rapid"]
    rows = editor.runs("list", "--all").stdout.splitlines()[1:]
    assert [line.split()[:2] for line in rows] == [["chess", "1"], ["chess", "2"]]


def test_a_row_is_shown_as_a_file_of_products_has_it(editor: Editor[FakeProducts], tmp_path: Path) -> None:
    told = editor.runs("show", "chess")
    assert (told.returncode, told.stdout) == (0, CHESS_SHOWN)
    # What is shown can be changed and published.
    file = tmp_path / "chess.yaml"
    file.write_text(told.stdout)
    assert editor.runs("apply", str(file)).returncode == 0
    (request,) = editor.service.loaded
    assert list(request.products) == [CHESS]


def test_rows_are_published_or_only_judged(editor: Editor[FakeProducts], tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(PRODUCT + "- product: go\n")
    assert editor.runs("apply", str(file)).stdout == "0 new, 1 changed, 1 as before\n"
    judged = editor.runs("apply", str(file), "--id", "go", "--dry-run")
    assert judged.stdout == "would be 0 new, 1 changed, 0 as before; nothing was published\n"
    whole, part = editor.service.loaded
    assert [row.product for row in whole.products] == ["chess", "go"]
    assert not whole.validate_only
    assert [row.product for row in part.products] == ["go"]
    assert part.validate_only
    refused = editor.runs("apply", str(file), "--id", "shogi")
    assert (refused.returncode, refused.stderr) == (1, f"error: {file} has no shogi\n")


def test_a_fault_in_a_file_is_told_with_its_line_and_nothing_is_published(
    editor: Editor[FakeProducts], tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(PRODUCT.replace("reported", "guessed"))
    refused = editor.runs("apply", str(file))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{file}:8: elapsed must be one of measured, reported, rising, largest")
    missing = editor.runs("apply", "not-there.yaml")
    assert missing.returncode == 1
    assert missing.stderr == "error: not-there.yaml: no such file or directory: name one that is there\n"
    assert editor.service.loaded == []


def test_a_product_is_retired_and_restored(editor: Editor[FakeProducts]) -> None:
    told = editor.runs("retire", "chess")
    assert told.stdout == "chess is retired since 1970-01-01T00:00:02Z, version 2\n"
    assert editor.runs("restore", "chess").stdout == "chess can be started, version 3\n"


def test_a_product_that_there_is_not_is_one_line(editor: Editor[FakeProducts]) -> None:
    refused = editor.runs("show", "go")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith(" refuses: There is no product go\n")
