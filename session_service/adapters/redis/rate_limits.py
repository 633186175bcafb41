"""Counts a user's calls, exactly, for all instances of the service together."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Any

from redis.exceptions import NoScriptError

from service_kit.call import Call
from service_kit.errors import LimitPolicy, QuotaExceededError, RateLimitedError
from session_service.adapters.redis.client import PREFIX, BestEffort, RedisLine
from session_service.application.ports.rate_limits import RateLimit, RateLimits

# A log of the calls in the window, oldest first, by the clock of Redis: one
# clock for all instances. A script runs alone, so two calls cannot both take
# the last place. Times are whole microseconds, which a double holds exactly.
_TAKE = """
local log, call = KEYS[1], ARGV[1]
local window, most, count = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', log, '-inf', now - window)
if redis.call('ZSCORE', log, call .. ':1') then
  return {REPEATED, 0, 0}
end
local taken = redis.call('ZCARD', log)
if taken + count <= most then
  for number = 1, count do
    redis.call('ZADD', log, now, call .. ':' .. number)
  end
  redis.call('PEXPIRE', log, math.ceil(window / 1000))
  return {ADMITTED, 0, 0}
end
if taken == 0 then
  return {REFUSED, window, window}
end
-- When so many of the oldest are out of the window that there is room; never, for more than the limit.
local last = math.min(taken + count - most, taken) - 1
local freed = redis.call('ZRANGE', log, last, last, 'WITHSCORES')[2]
local newest = redis.call('ZRANGE', log, -1, -1, 'WITHSCORES')[2]
return {REFUSED, freed + window - now, newest + window - now}
"""


class _Verdict(IntEnum):
    REFUSED = 0
    ADMITTED = 1
    REPEATED = 2


class RedisRateLimits(RateLimits):
    """Counts in Redis.

    While Redis is away everybody is admitted: practice matters more.
    """

    def __init__(self, line: RedisLine, best_effort: BestEffort) -> None:
        self._line = line
        self._best_effort = best_effort
        script = _TAKE
        for verdict in _Verdict:
            script = script.replace(verdict.name, str(verdict.value))
        self._script = script
        self._digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()

    @asynccontextmanager
    async def within(self, limit: RateLimit, call: Call, count: int = 1) -> AsyncIterator[None]:
        """Takes places in the window, and gives them back when the block raises.

        A call that was cancelled keeps them, for it may have been carried out.
        """
        log, member = f"{PREFIX}limit:{limit.name}:{call.user_id}", _member(call)
        taken = await self._admit(limit, log, member, count)
        try:
            yield
        except Exception:
            if taken:
                members = [f"{member}:{number}" for number in range(1, count + 1)]
                await self._best_effort.run(lambda: self._line("ZREM", log, *members))
            raise

    async def _admit(self, limit: RateLimit, log: str, member: str, count: int) -> bool:
        """Tells whether places were taken. Raises RateLimitedError when there are too few."""
        window = round(limit.window.total_seconds() * 1_000_000)
        answer = await self._best_effort.run(lambda: self._take(log, member, window, limit.most, count))
        if answer is None:
            return False
        verdict, freed, reset = answer
        if verdict == _Verdict.REFUSED:
            policy = LimitPolicy(limit.name, limit.most, _seconds(window))
            if limit.quota:
                raise QuotaExceededError(limit.refusal, policy, _seconds(freed))
            raise RateLimitedError(
                limit.refusal,
                policy,
                limit=limit.most,
                remaining=0,
                retry_after=_seconds(freed),
                reset=_seconds(reset),
            )
        return bool(verdict == _Verdict.ADMITTED)

    async def _take(self, *words: Any) -> Any:
        try:
            return await self._line("EVALSHA", self._digest, 1, *words)
        except NoScriptError:
            # Redis knows it from then on, until it restarts.
            return await self._line("EVAL", self._script, 1, *words)


def _member(call: Call) -> str:
    """Returns what a call is logged as: a repeat of a request is the same call."""
    if call.request is None:
        return uuid.uuid4().hex
    return f"{call.request.digest.hex()}:{call.request.key}"


def _seconds(microseconds: int) -> int:
    return max(1, math.ceil(microseconds / 1_000_000))
