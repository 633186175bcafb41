"""Asks the oracle and the service alike about facts written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import pytest

from stats_service.domain.calendar import CalendarChange
from stats_service.domain.completion import Completion
from stats_service.domain.protection import Entry
from tests.stats_service.oracle.by_hand import Ask
from tests.stats_service.oracle.comparing import served, told
from tests.stats_service.oracle.histories import History
from tests.stats_service.oracle.oracle import Answer


@pytest.fixture(params=[told, served], ids=["oracle", "service"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks one of the two about facts."""

    def asked(
        facts: Sequence[Completion],
        on: date,
        *entries: Entry,
        changes: Sequence[CalendarChange] = (),
        sign_up_time: datetime | None = None,
        product: str = "focus",
    ) -> Answer:
        story = History("by hand", "UTC", [*facts], [*changes], [*entries], sign_up_time, on, product)
        answer: Answer = request.param(story, product)
        return answer

    return asked
