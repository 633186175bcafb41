"""Paired rounds: the sides of a comparison take turns, and what is told is medians with their spread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Round:
    """What one side did in one round."""

    # Whatever is compared: operations a second, seconds, milliseconds.
    value: float
    # Milliseconds of all operations, or of none.
    latencies: Sequence[float] = ()
    # CPU milliseconds of an operation by the name of the process.
    cpu: Mapping[str, float] = field(default_factory=dict)
    # Of the load generator: the share of one core that it used.
    load_cores: float = 0.0


@dataclass(frozen=True)
class Spread:
    """A median with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Returns the spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        """Returns it as `12 (10 to 14)`."""
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


@dataclass
class Side:
    """One side of a comparison: something that runs a round when it is asked."""

    name: str
    run: Callable[[], Round]
    rounds: list[Round] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, rounds: list[Round]) -> Side:
        """Returns one whose rounds are there already: parts of one long run."""

        def cannot() -> Round:
            raise AssertionError(f"{name} is run once")

        return cls(name, cannot, rounds)

    def spread(self) -> Spread:
        """Returns what its rounds brought."""
        return Spread.of([each.value for each in self.rounds])

    def quantile(self, share: float) -> Spread:
        """Returns the latency within which a share of a round's operations was done, in milliseconds."""
        return Spread.of([quantile(each.latencies, share) for each in self.rounds])

    def pooled_quantile(self, share: float) -> Spread:
        """Returns the same of all rounds together, where one has few operations."""
        apart = self.quantile(share)
        together = [latency for each in self.rounds for latency in each.latencies]
        return Spread(quantile(together, share), apart.least, apart.most)

    def cpu(self) -> dict[str, float]:
        """Returns CPU milliseconds of an operation by process, the dearest first; medians of the rounds."""
        names = {name for each in self.rounds for name in each.cpu}
        medians = {name: median(each.cpu.get(name, 0.0) for each in self.rounds) for name in names}
        return dict(sorted(medians.items(), key=lambda item: -item[1]))

    def load(self) -> float:
        """Returns the load generator's share of a core."""
        return median(each.load_cores for each in self.rounds)


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the value within which a share of values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def take_turns(sides: Sequence[Side], rounds: int, say: Callable[[str], None]) -> None:
    """Runs each side once to warm it, then in turns, every other time the other way round."""
    for side in sides:
        say(f"warming {side.name}")
        side.run()
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            say(f"round {number + 1} of {rounds}: {side.name}")
            side.rounds.append(side.run())


def ratio(first: Side, second: Side) -> Spread:
    """Returns how many times the second the first was, round by round."""
    pairs = zip(first.rounds, second.rounds, strict=True)
    return Spread.of([one.value / other.value for one, other in pairs])


def ratio_of_medians(first: Side, second: Side) -> Spread:
    """Returns how many times as long as the second's an operation of the first took, round by round."""
    pairs = zip(first.rounds, second.rounds, strict=True)
    return Spread.of([quantile(one.latencies, 0.5) / quantile(other.latencies, 0.5) for one, other in pairs])


def best(sides: Sequence[Side]) -> Side:
    """Returns the side that did most."""
    return max(sides, key=lambda side: side.spread().median)


@dataclass(frozen=True)
class Goal:
    """What has to be reached and what is aimed at; `at_most` where less is better."""

    must: float
    aim: float
    unit: str = "times"
    at_most: bool = False

    def verdict(self, reached: float) -> str:
        """Returns which of the two was reached."""

        def kept(bound: float) -> bool:
            return reached <= bound if self.at_most else reached >= bound

        return "aim met" if kept(self.aim) else "must met" if kept(self.must) else "**not met**"

    def text(self) -> str:
        """Returns both bounds."""
        word = "≤" if self.at_most else "≥"
        both = f"{self.must:g}" if self.must == self.aim else f"{self.must:g} / {self.aim:g}"
        return f"{word} {both} {self.unit}"


@dataclass(frozen=True)
class Line:
    """One line of the table of goals."""

    work: str
    ours: str
    beside: str
    reached: Spread
    goal: Goal
    digits: int = 2

    def cells(self) -> Iterator[str]:
        """Returns its cells."""
        yield self.work
        yield self.ours
        yield self.beside
        yield f"{self.reached.text(self.digits)} {self.goal.unit}"
        yield self.goal.text()
        yield self.goal.verdict(self.reached.median)


@dataclass
class Outcome:
    """What a row of the bench found: lines of the table, and what stands below it."""

    lines: list[Line] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    # What was compared and how, a sentence each.
    notes: list[str] = field(default_factory=list)
    # Markdown that stands for itself, such as a table of weights.
    text: str = ""
