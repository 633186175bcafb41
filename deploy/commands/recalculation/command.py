"""Derives learners' progress anew from their completions, while they go on practising.

    practice recalculate --all | --user N ... | --users A-B | --product P | --from D --to D
                         [--shadow] [--deep]
    practice recalculate --watch JOB | --resume JOB | --cancel JOB

The running local stack is asked, or the service that STATS_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.recalculation.command --all`.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.accounts.users import LARGEST_NUMBER, number_of_somebody
from deploy.commands.run import run

if TYPE_CHECKING:
    from practice.stats.v1 import recalculation_service_pb2 as pb

    from deploy.commands.recalculation.client import RecalculationAdminClient

# Seconds between two looks.
_LOOK_SECONDS = 0.3
_DAY = ["%Y-%m-%d"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def recalculate(
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody.")] = False,
    user: Annotated[
        list[str] | None,
        typer.Option(
            "--user",
            metavar="USER",
            help="A learner, by number or e-mail; may be repeated.",
        ),
    ] = None,
    users: Annotated[str, typer.Option("--users", metavar="A-B", help="Learners by number, both ends.")] = "",
    product: Annotated[str, typer.Option("--product", "-p", help="Learners who practised it.")] = "",
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="Learners who practised from this day on.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Learners who practised until this day.")
    ] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Change nothing; show what differs.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare stored rows themselves, not the digests saved with them.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="How many learners a shadow shows.")
    ] = 20,
    watch: Annotated[str, typer.Option(metavar="JOB", help="Look at a job; `latest` is one.")] = "",
    resume: Annotated[str, typer.Option(metavar="JOB", help="Go on with a job.")] = "",
    cancel: Annotated[str, typer.Option(metavar="JOB", help="Let nothing more of a job begin.")] = "",
) -> None:
    """Derive progress anew. A learner is derived as a whole: a product and days only say whose.

    Ctrl-C ends the watching, not the job.
    """
    from practice.stats.v1 import recalculation_service_pb2 as pb  # noqa: PLC0415 - slow to import

    bounds = _bounds(users)
    chosen = bool(user or users or product or first or last)
    if sum(map(bool, (chosen or everybody, watch, resume, cancel))) != 1 or (chosen and everybody):
        raise typer.BadParameter("say whom (--all is everybody), or which job to --watch, --resume, --cancel")
    if (shadow or deep) and not (chosen or everybody):
        raise typer.BadParameter("--shadow and --deep are for a new job; one that is there stays what it is")
    request = pb.StartRecalculationRequest(
        user_ids=[number_of_somebody(who) for who in user or ()],
        first_user_id=bounds[0],
        last_user_id=bounds[1],
        product=product,
        from_date=f"{first:%Y-%m-%d}" if first else "",
        to_date=f"{last:%Y-%m-%d}" if last else "",
        shadow=shadow,
        deep=deep,
        all_users=everybody,
    )
    with _client() as client:
        if cancel:
            job = client.cancel(_named(client, cancel))
            print(f"{'cancelled' if job.HasField('cancel_time') else 'already done:'} {job.job_id}")
            return
        if watch:
            job = client.state(_named(client, watch))
        else:
            job = client.resume(_named(client, resume)) if resume else client.start(request)
        _conclude(client, _watched(client, job), limit)


def _bounds(users: str) -> tuple[int, int]:
    if not users:
        return 0, 0
    first, dash, last = users.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and 0 < int(first) <= int(last) <= LARGEST_NUMBER):
        raise typer.BadParameter("--users takes two account numbers, the lower first: 100-200")
    return int(first), int(last)


def _named(client: RecalculationAdminClient, job_id: str) -> str:
    return client.state("").job_id if job_id == "latest" else job_id


def _watched(client: RecalculationAdminClient, job: pb.Recalculation) -> pb.Recalculation:
    """Shows a job until it ends and returns it as it is then."""
    from deploy.commands.recalculation.display import Watching  # noqa: PLC0415 - slow to import

    try:
        print(f"job {job.job_id}", file=sys.stderr, flush=True)
        with Watching() as watching:
            while True:
                watching.report(job)
                if job.HasField("finish_time") or job.HasField("cancel_time"):
                    return job
                time.sleep(_LOOK_SECONDS)
                job = client.later(job.job_id)
    except KeyboardInterrupt:
        print(
            f"the job goes on: `practice recalculate --watch {job.job_id}` looks at it again,"
            f" `--cancel {job.job_id}` ends it",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None


def _conclude(client: RecalculationAdminClient, job: pb.Recalculation, limit: int) -> None:
    """Shows what a job did; ends with 1 unless all of it was done."""
    from deploy.commands.recalculation.display import show_learners, show_tables, summary  # noqa: PLC0415

    if job.shadow and job.table_differences:
        show_tables(job.table_differences)
        learners = client.differences(job.job_id, limit)
        show_learners(learners)
        if len(learners) < job.wrong_learner_count:
            print(f"... of {job.wrong_learner_count} learners: --watch {job.job_id} --limit shows more")
    print(summary(job))
    if job.HasField("cancel_time"):
        sys.exit(f"error: {job.job_id} was cancelled: --resume goes on with it")
    if job.failed_shard_count:
        sys.exit(
            f"error: {job.failed_shard_count} of {job.shard_count} parts failed ({job.last_error}):"
            f" --resume {job.job_id} tries them again"
        )


def _client() -> AbstractContextManager[RecalculationAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.recalculation.client import RecalculationAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(RecalculationAdminClient)


if __name__ == "__main__":
    run(app)
