"""Yoga between a catalog with sequence 123 and a stats service that says what a test tells it."""

from __future__ import annotations

import grpc
import pytest
from practice.catalog.v1 import catalog_service_pb2 as catalog_pb
from practice.catalog.v1 import catalog_service_pb2_grpc as catalog_rpc
from practice.catalog.v1 import sequence_pb2
from practice.products.yoga.v1 import yoga_service_pb2_grpc as rpc

from tests.session_service.adapters.grpc.products.yoga.clients import Client
from tests.session_service.clients import Metadata


@pytest.fixture
async def catalog_address(catalog_address: str, internal: Metadata) -> str:
    sequence = sequence_pb2.Sequence(
        sequence_id=123,
        title="Morning Wake-Up",
        difficulty="easy",
        poses=[sequence_pb2.Pose(title="Easy Pose", duration_seconds=75)],
    )
    async with grpc.aio.insecure_channel(catalog_address) as channel:
        request = catalog_pb.LoadSequencesRequest(sequences=[sequence])
        await catalog_rpc.CatalogAdminServiceStub(channel).LoadSequences(request, metadata=internal)
    return catalog_address


@pytest.fixture
def yoga(channel: grpc.aio.Channel, me: Metadata) -> Client:
    """A learner in yoga."""
    return Client(rpc.YogaServiceStub(channel), me)


@pytest.fixture
def other(channel: grpc.aio.Channel, somebody: Metadata) -> Client:
    """Another learner in yoga."""
    return Client(rpc.YogaServiceStub(channel), somebody)


@pytest.fixture
def nobody(channel: grpc.aio.Channel) -> Client:
    """A client without a token."""
    return Client(rpc.YogaServiceStub(channel), ())
