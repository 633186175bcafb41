"""A phone of a learner: practises offline, or hands in what waits. It may be killed at any time."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from practice_client import OfflineQueue, Practice, Retries, Tokens

url, access, file, action = sys.argv[1:]
queue = OfflineQueue(file)
if action == "practise":
    now = datetime.now(UTC)
    for minutes in (60, 40, 20):
        ended = now - timedelta(minutes=minutes)
        times = {"start_time": ended - timedelta(minutes=10), "end_time": ended}
        queue.add_session(
            product="focus", outcome="completed", time_zone="Europe/Madrid", planned_seconds=600, **times
        )
    print(len(queue), flush=True)
    time.sleep(3600)
retries = Retries(tries=1000, first_seconds=0.1, longest_seconds=0.5)
with Practice(url, tokens=Tokens(access), deadline=600, retries=retries) as practice:
    report = practice.sync(queue)
    print(report.merged + report.already_known, report.refused, len(queue), practice.user_seq, flush=True)
