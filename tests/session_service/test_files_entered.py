"""What the session service does is short enough to follow: how many of its files a call goes through.

What every call passes before its servicer is in the kit, counted apart. docs/architecture.md lists the files.
"""

from __future__ import annotations

from tests.files_entered import Entered, files_entered
from tests.session_service.clients import Learner


async def test_an_answer_goes_through_few_files(learner: Learner) -> None:
    session = await learner.start()
    # Once before: what is remembered from then on is not looked up again.
    await learner.answer(session.name, "hablo")
    runs = []
    for said in ("hable", "hables", "hablen"):
        with files_entered() as entered:
            await learner.answer(session.name, said)
        runs.append(entered)
    answer = Entered(*runs)
    assert len(answer.of("session_service")) <= 20, answer
    # One of them writes the log, where a test before has set it up as a service does.
    assert len(answer.of("service_kit")) <= 16, answer


async def test_a_completion_goes_through_few_files(learner: Learner) -> None:
    runs = []
    for _ in range(3):
        session = await learner.start()
        await learner.answer(session.name, "hable")
        with files_entered() as entered:
            await learner.call("CompleteSession", name=session.name)
        runs.append(entered)
    # The first looks up what the others remember.
    completion = Entered(*runs[1:])
    assert len(completion.of("session_service")) <= 20, completion
