"""Measures the platform against what would be written instead: `make bench`, `make bench ONLY=answers`.

    python -m benchmarks [--only NAME ...] [--rounds 5] [--seconds 2.5] [--full] [--soak-minutes 1]
        [--shrink 1] [--note TEXT] [--to FILE]

Writes docs/benchmarks.md, or only shows it where not all rows were measured. `--list` names the rows.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.context import Context
from benchmarks.measure import Outcome
from benchmarks.platform import BASELINE_PYTHON
from benchmarks.report import ROOT, render
from benchmarks.rows import ROWS

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Measures, shows and writes."""
    arguments = _arguments()
    console = Console(stderr=True)
    if arguments.list:
        print("\n".join(ROWS))
        return
    # What was started is stopped, also when somebody's patience is over.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    names = [name for given in arguments.only for name in given.replace(",", " ").split()] or list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        sys.exit(f"no row is named {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if not BASELINE_PYTHON.exists():
        sys.exit("the environment of the baselines is missing: `make bench` makes it")
    outcomes: dict[str, Outcome] = {}
    seconds: dict[str, float] = {}
    with console.status("") as status:

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        context = Context(
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            full=arguments.full,
            shrink=arguments.shrink,
            soak_minutes=arguments.soak_minutes,
            say=say,
        )
        try:
            for name in names:
                began = time.monotonic()
                outcomes[name] = ROWS[name](context)
                seconds[name] = time.monotonic() - began
                context.wait_for_calm()
                if outcomes[name].lines:
                    console.print(_table(outcomes[name]))
        finally:
            context.stop_platform()
    text = render(outcomes, context, seconds, arguments.note)
    to = arguments.to or (DOCUMENT if names == list(ROWS) and arguments.shrink == 1 else None)
    if to is None:
        print(text)
    else:
        to.write_text(text)
        console.print(f"written to {to}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The platform against what would be written instead.")
    parser.add_argument("--only", nargs="*", default=[], help="rows to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.5, help="of a round")
    parser.add_argument("--full", action="store_true", help="large data as large as the goals name (an hour)")
    parser.add_argument("--soak-minutes", type=float, default=1.0)
    parser.add_argument(
        "--shrink", type=int, default=1, help="divide callers and data: to see that a row works"
    )
    parser.add_argument("--note", default="", help="what the document says of this run")
    parser.add_argument("--to", type=Path, help="the file to write")
    parser.add_argument("--list", action="store_true", help="name the rows")
    return parser.parse_args()


def _table(outcome: Outcome) -> Table:
    table = Table()
    for column in ("work", "the platform", "beside it", "reached", "must / aim", "verdict"):
        table.add_column(column)
    for line in outcome.lines:
        table.add_row(*(cell.replace("**", "") for cell in line.cells()))
    return table


if __name__ == "__main__":
    main()
