"""Hands work in by hand."""

from __future__ import annotations

from service_kit.call import Call
from service_kit.heavy import Aside
from service_kit.once import once
from session_service.application.looking_up import look_up
from session_service.application.ports.catalog import Catalog
from session_service.application.ports.surroundings import Clock
from session_service.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from session_service.domain.drafts import content_hash
from session_service.domain.errors import ContentNotFoundError
from session_service.domain.submission import IN_PROGRESS, Submission


class CreateSubmission:
    """Stores a submission that came from no session.

    Idempotent by the call's key. Raises ContentNotFoundError, DraftInvalidError.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, catalog: Catalog, clock: Clock, aside: Aside) -> None:
        self._unit_of_work = unit_of_work
        self._catalog = catalog
        self._clock = clock
        self._aside = aside

    async def __call__(
        self,
        call: Call,
        *,
        content: str,
        content_second: int | None = None,
        document: str = "{}",
        status: str = IN_PROGRESS,
    ) -> Submission:
        """Returns the submission.

        Content that was not made in `content_second`, where one is given, does not exist.
        """
        await self._aside(content_hash, document)
        # Told inside of the transaction: see StartSession.
        known = await look_up(self._catalog, content, content_second)

        async def command(work: UnitOfWork) -> Submission:
            if known is None:
                raise ContentNotFoundError(content)
            now = self._clock()
            return await work.submissions.add(
                Submission(
                    user_id=call.user_id,
                    content=content,
                    content_created_at=known.created_at,
                    document=document,
                    status=status,
                    submitted_at=now,
                    updated_at=now,
                )
            )

        return await once(self._unit_of_work, call, Submission, command)
