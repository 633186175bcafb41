"""What a row of the bench is given: how long, how large, and the platform."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field

from benchmarks.generator import generate
from benchmarks.load.plan import Plan, Result
from benchmarks.measure import Round
from benchmarks.platform import Platform, running_platform
from benchmarks.processes import Processes


@dataclass
class Context:
    """One run of the bench. Rows share one platform, which the first of them starts."""

    rounds: int = 5
    seconds: float = 4.0
    # Whether large sets of data are as large as the goals name, however long that takes.
    full: bool = False
    # Divides the numbers of callers and the sizes of data: to see that a row works, in less than its time.
    shrink: int = 1
    soak_minutes: float = 1.0
    # Of the baselines: how many worker processes each has. The better one counts.
    workers: Sequence[int] = (1, 2)
    say: Callable[[str], None] = print
    # One that runs already, which whoever started it stops.
    running: Platform | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    @property
    def platform(self) -> Platform:
        """The shared platform."""
        if self.running is None:
            self.say("starting the platform")
            self.running = self._open.enter_context(running_platform())
        return self.running

    def stop_platform(self) -> None:
        """Stops the shared platform: the next row that needs it has a new one."""
        self._open.close()
        self.running = None

    def wait_for_calm(self) -> None:
        """Waits until what a row left behind is in statistics: the next is measured without it."""
        if self.running is not None:
            self.say("waiting for calm")
            self.running.wait_for_calm()

    def shrunk(self, size: int) -> int:
        """Returns a number of callers or things for this run."""
        return max(1, size // self.shrink)

    def play(
        self,
        plan: Plan,
        processes: Processes,
        seen: Callable[[Result], None],
        each: int = 1,
        *,
        suspended: Processes | None = None,
    ) -> Callable[[], Round]:
        """Returns what runs a plan as a round of a side; `seen` is given each result, also of the warming.

        The database aside, whoever is of `suspended` is held still meanwhile.
        """

        def run() -> Round:
            with suspended.suspended(but=["postgres"]) if suspended else nullcontext():
                measured, result = generate(plan, processes, each)
            seen(result)
            return measured

        return run
