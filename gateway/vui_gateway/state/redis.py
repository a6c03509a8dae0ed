"""The store of several gateways: a Redis (7 or later, or Valkey), asked behind the calls."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from vui_gateway.state.entries import Entries, Entry, Name
from vui_gateway.state.sync import StoreAway

__all__ = ["EXCHANGE", "KEYS", "RedisStore", "Script", "connect"]

RANKS = 2.0**32  # a higher one is no gateway's, and nothing could ever replace it
REDIS_SECONDS = 1.0  # to connect, and for an answer: nobody waits for either
# In one slot of a cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
KEYS = tuple(f"{{vui-gateway}}:{name}" for name in ("entries", "order", "expiries", "mark"))

# One atomic step: fetch the entries that have changed since, then store the new ones.
#   entries   of each name "rank expires json", the second by Redis' own clock, 0 for never
#   order     of each name the number of its last change
#   mark      that number, and an epoch: another one when Redis was emptied, or started with what
#             it had once written to its disk
EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local entries, order, expiries, mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
redis.call('HSETNX', mark, 'epoch', ARGV[1])
local epoch = redis.call('HGET', mark, 'epoch')
epoch = epoch .. string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
for _, name in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', entries, name)
  redis.call('ZREM', order, name)
  redis.call('ZREM', expiries, name)
end
local since = epoch == ARGV[2] and ARGV[3] or 0
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', order, '(' .. since, '+inf')) do
  local entry = redis.call('HGET', entries, name)
  if entry then
    found[#found + 1] = name
    found[#found + 1] = entry
  end
end
for i = 4, #ARGV, 4 do
  local name, rank, lifetime = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local kept = redis.call('HGET', entries, name)
  local stands = kept and tonumber(string.match(kept, '^%S+') or '')
  if not stands or not (stands >= tonumber(rank) and stands < 4294967296) then
    local expires = '0'
    if lifetime > 0 then
      expires = string.format('%.3f', now + lifetime)
      redis.call('ZADD', expiries, expires, name)
    else
      redis.call('ZREM', expiries, name)
    end
    redis.call('HSET', entries, name, rank .. ' ' .. expires .. ' ' .. ARGV[i + 3])
    redis.call('ZADD', order, redis.call('HINCRBY', mark, 'number', 1), name)
  end
end
local number = redis.call('HGET', mark, 'number') or '0'
return {epoch, number, string.format('%.3f', now), found}
"""


class Script(Protocol):
    """`EXCHANGE`, as a Redis runs it or a test does."""

    async def __call__(self, keys: Iterable[str], args: Iterable[Any]) -> Any:
        """Its answer: epoch, number, Redis' time, names and entries.

        Raises:
            OSError: Redis can't be asked now, or takes too long.
        """

    async def close(self) -> None:
        """Close the connections."""


class RedisStore:
    """Sends new entries, and asks for those that have changed since the last time.

    After an exchange that failed, and when the epoch is another one, all that is known here is
    sent again: an emptied Redis has it back once each gateway has been there.
    """

    name = "Redis"

    def __init__(self, script: Script, clock: Callable[[], float]) -> None:
        self._script, self._clock = script, clock
        self._epoch, self._number = "", "0"

    async def exchange(self, unsent: Entries, everything: Callable[[], Entries]) -> Entries:
        """`Store.exchange`."""
        found: dict[Name, Entry] = {}
        while True:
            sent = unsent if self._epoch else everything()
            args = [uuid.uuid4().hex, self._epoch, self._number, *self._arguments(sent)]
            asked_with, self._epoch = self._epoch, ""
            try:
                epoch, number, now, changed = await self._script(KEYS, args)
                found |= self._parsed(changed, float(now))
            except (OSError, ValueError, TypeError, AttributeError) as error:
                self._number = "0"
                raise StoreAway(str(error) or type(error).__name__) from error
            self._number = number
            if epoch == asked_with or sent is not unsent:
                self._epoch = epoch
                return found

    async def close(self) -> None:
        """End the connections."""
        await self._script.close()

    def _arguments(self, entries: Entries) -> Iterable[Any]:
        now = self._clock()
        for (subject, name), entry in entries.items():
            left = entry.expires - now
            if left > 0:
                lifetime = 0 if left == math.inf else left
                yield from (f"{subject} {name}", repr(float(entry.rank)), lifetime)
                yield json.dumps(entry.value, separators=(",", ":"))

    def _parsed(self, changed: list, now: float) -> dict[Name, Entry]:
        """The entries that can be read; anything else that was written there is ignored."""
        found: dict[Name, Entry] = {}
        for name, kept in zip(changed[::2], changed[1::2], strict=True):
            try:
                subject, own = name.split(" ", 1)
                rank, expires, value = kept.split(" ", 2)
                left = float(expires) - now if float(expires) else math.inf
                entry = Entry(float(rank), json.loads(value), self._clock() + left)
            except (ValueError, RecursionError):
                continue
            if 0 <= entry.rank < RANKS and left > 0:
                found[subject, own] = entry
        return found


class Connection:
    """`Script` on a real Redis."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",  # entries that aren't ours may be anything
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(EXCHANGE)

    async def __call__(self, keys: Iterable[str], args: Iterable[Any]) -> Any:
        """`Script`."""
        from redis.exceptions import RedisError

        try:
            return await self._script(list(keys), list(args))
        except RedisError as error:
            raise OSError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """`Script`."""
        await self._redis.aclose()


def connect(url: str, clock: Callable[[], float]) -> RedisStore:
    """The store at this address; nothing is asked yet."""
    return RedisStore(Connection(url), clock)
