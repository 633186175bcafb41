"""The baseline's statistics behind a queue: one Celery task for each completion.

python -m celery -A benchmarks.baselines.tasks worker --concurrency 2
python -m benchmarks.baselines.tasks COMPLETIONS LEARNERS       # sends as many
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, timedelta

from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks.baselines.progress import count_completion, new_day, new_progress
from benchmarks.baselines.tables import DailyProgress, Progress

QUEUE = "baseline"
app = Celery("baseline", broker=os.environ["BASELINE_REDIS_URL"])
app.conf.update(
    task_acks_late=True, worker_prefetch_multiplier=4, task_ignore_result=True, task_default_queue=QUEUE
)
engine = create_engine(
    os.environ["BASELINE_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1), pool_size=1
)


@app.task(name="baseline.completed")
def completed(user_id: int, day: str, seconds: int, answers: int, correct: int) -> None:
    """Counts one completion in one transaction."""
    on = date.fromisoformat(day)
    with Session(engine) as database, database.begin():
        progress = database.get(Progress, user_id, with_for_update=True)
        if progress is None:
            progress = new_progress(user_id)
            database.add(progress)
        daily = database.get(DailyProgress, (user_id, on))
        if daily is None:
            daily = new_day(user_id, on)
            database.add(daily)
        count_completion(progress, daily, on, seconds=seconds, answers=answers, correct=correct)


def main() -> None:
    """Sends completions, a learner's far apart from each other."""
    completions, learners = int(sys.argv[1]), int(sys.argv[2])
    today = datetime.now(UTC).date()
    with app.connection_for_write() as connection, app.amqp.producer_pool.acquire(block=True) as producer:
        del connection
        for number in range(completions):
            day = today - timedelta(days=(completions - number) // learners % 30)
            completed.apply_async(
                (1 + number % learners, day.isoformat(), 600, 10, 7), producer=producer, retry=False
            )


if __name__ == "__main__":
    main()
