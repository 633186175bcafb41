"""How a product's own HTTP status and error body leave a service.

A product's clients expect that product's status codes and error shapes. The
adapter of the product says what they are; they travel as metadata, and the
gateway puts them on the HTTP response.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from service_kit.errors import ServiceError

STATUS_KEY = "x-practice-status"
BODY_KEY = "x-practice-body"


@dataclass(frozen=True, slots=True)
class ProductError:
    """An HTTP status and the JSON body that goes with it."""

    status: int
    body: Mapping[str, Any]


ErrorPresenter = Callable[[ServiceError], ProductError]


def error_metadata(error: ProductError) -> tuple[tuple[str, str], ...]:
    """Returns the trailing metadata of a product's error. Header values are ASCII."""
    body = json.dumps(error.body, ensure_ascii=True, separators=(",", ":"))
    return ((STATUS_KEY, str(error.status)), (BODY_KEY, body))


async def answer_with_status(context: grpc.aio.ServicerContext[Any, Any], status: int) -> None:
    """Makes the gateway answer a success with `status` instead of 200."""
    await context.send_initial_metadata(((STATUS_KEY, str(status)),))
