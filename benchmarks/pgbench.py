"""The limit: what PostgreSQL does when nobody but pgbench asks it to record answers, one by one.

The two statements of an answer as the session service sends them, for one answer in place of many, prepared,
on the same server and tables, from as many clients as there are callers.
"""

from __future__ import annotations

import re
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Round
from benchmarks.platform import Platform
from benchmarks.processes import Processes, measured
from deploy.local import programs

# Beyond what identity columns of a new database get to.
FIRST_SESSION = 900_000_000

_SCRIPT = """
\\set learner {first} + :client_id
\\set session {first_session} + :client_id
SELECT s.*, (SELECT last_seq FROM session.learner AS l WHERE l.user_id = s.user_id) AS last_seq
FROM session.practice_session AS s
WHERE (s.user_id, s.id) = (:learner, :session) AND NOT EXISTS (
  SELECT FROM session.idempotency AS used WHERE (used.user_id, used.key) = (:learner, NULL)) \\gset
WITH written AS MATERIALIZED (
  SELECT * FROM session.practice_session
  WHERE (user_id, id) = (:learner, :session) AND version = :version
  FOR NO KEY UPDATE SKIP LOCKED
), sessions AS (
  UPDATE session.practice_session AS s SET
    version = s.version + 1, updated_at = now(), answer_count = s.answer_count + 1,
    correct_answer_count = s.correct_answer_count + 1, right_run = s.right_run + 1
  FROM written WHERE (s.user_id, s.id) = (written.user_id, written.id)
), answers AS (
  INSERT INTO session.answer (
    user_id, session_id, position, answer_id, item, text, time_taken, correct, correct_answer, feedback,
    answered_at)
  SELECT user_id, id, answer_count + 1, gen_random_uuid()::text, 'exercises/123', 'hable', NULL, true,
    'hable', 'Correct.', now() FROM written
), entries AS (
  INSERT INTO session.journal (
    user_id, session_id, sequence, at, state, answer_count, correct_answer_count, elapsed_seconds, item_count,
    answered_item_count, mastered_item_count, right_run, change)
  SELECT user_id, id, version + 1, now(), state, answer_count + 1, correct_answer_count + 1, 0, 0, 0, 0,
    right_run + 1, 'answered' FROM written
)
SELECT id FROM written;
"""
_CLONE = """
    INSERT INTO session.practice_session OVERRIDING SYSTEM VALUE
    SELECT copy.* FROM session.practice_session AS s, generate_series(0, %s - 1) AS n,
        jsonb_populate_record(s, jsonb_build_object('id', %s + n, 'user_id', %s + n)) AS copy
    WHERE s.id = %s
"""


def pgbench_answers(platform: Platform, clients: int, like: int, seconds: float) -> Callable[[], Round]:
    """Returns what runs a round, the platform held still; `like` is a session that has just begun.

    A round raises AssertionError when the database has not as many answers as pgbench says.
    """
    learners = platform.learners(clients)
    taken = platform.select("SELECT count(*) FROM session.practice_session WHERE id >= %s", FIRST_SESSION)
    first = FIRST_SESSION + taken[0][0]
    platform.select(_CLONE, clients, first, learners[0], like)
    script = platform.directory / f"answers-{first}.sql"
    script.write_text(_SCRIPT.format(first=learners[0], first_session=first))
    platform_processes = platform.processes()
    database = Processes({"postgres": platform.postgres_pid})

    def run() -> Round:
        before = _answers(platform, first, clients)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with platform_processes.suspended(but=["postgres"]), measured(database) as usage:
            done, rate = _run(platform, clients, seconds, script)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        recorded = _answers(platform, first, clients) - before
        assert recorded == done, f"pgbench says {done} answers, and {recorded} are there"
        own = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        return Round(value=rate, cpu=usage.per(done), load_cores=own / seconds)

    return run


def _run(platform: Platform, clients: int, seconds: float, script: Path) -> tuple[int, float]:
    command = [str(programs.postgres("pgbench")), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"]
    # In whole seconds, or five of each.
    command += ["-T", str(round(seconds))] if seconds >= 1 else ["-t", "5"]
    command += ["-f", str(script), platform.superuser_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or count is None or rate is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
    return int(count[1]), float(rate[1])


def _answers(platform: Platform, first: int, clients: int) -> int:
    query = "SELECT count(*) FROM session.answer WHERE session_id BETWEEN %s AND %s"
    return int(platform.select(query, first, first + clients - 1)[0][0])
