"""The client of the practice platform: every product's API and the canonical one, typed, async and sync."""

from practice_client._retries import Retries
from practice_client.api import VERSION
from practice_client.client import AsyncPractice, Practice
from practice_client.errors import ApiError, DeadlineExceeded, NetworkError, PracticeError
from practice_client.offline import OfflineQueue, Refusal, SyncReport
from practice_client.tokens import Tokens

__all__ = [
    "ApiError",
    "AsyncPractice",
    "DeadlineExceeded",
    "NetworkError",
    "OfflineQueue",
    "Practice",
    "PracticeError",
    "Refusal",
    "Retries",
    "SyncReport",
    "Tokens",
]

__version__ = VERSION
