"""The Redis in which LiteLLM's router counts, for all gateways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import litellm
from litellm.caching.redis_cache import RedisCache, RedisCircuitBreakerOpenError, RedisHealth
from litellm.redis.store_settings import RedisBreakerSettings, RedisStoreSettings
from litellm.rust_bridge._native import NativeRedisBreaker

__all__ = ["RouterRedis"]


class RouterRedis(RedisCache):
    """The Redis in which routers keep the counts of their routing strategies, for all gateways.

    They ask it during a call: an answer that takes longer than `LIMIT` is none, and nothing is
    asked for `PAUSE` after it. LiteLLM then goes on with what is in its memory.
    """

    LIMIT, PAUSE = 0.05, 1.0  # seconds

    def __init__(self, url: str) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # LiteLLM would log each failure with its traceback; the gateway says once that it is away.
        own = ("redis_", "dual_cache")  # its modules for it, and those in Rust
        litellm.verbose_logger.addFilter(
            lambda record: (
                not record.filename.startswith(own) and "redis-store" not in record.pathname
            )
        )
        limits = {"socket_timeout": self.LIMIT, "socket_connect_timeout": self.LIMIT}
        super().__init__(url=url, retry=Retry(NoBackoff(), 0), **limits)
        breaker = RedisBreakerSettings(1, self.PAUSE, timeout_min_duration=0.0)
        # LiteLLM's client in Rust never retries, and warns of the setting.
        kwargs = {name: v for name, v in self.redis_kwargs.items() if name != "retry"}
        self.store_settings = RedisStoreSettings(kwargs, None, self.default_ttl, breaker)
        # A server has one breaker as long as somebody holds it: LiteLLM's own goes first.
        self._health = None
        self._breaker = NativeRedisBreaker.shared(kwargs, breaker)
        self._health = RedisHealth(self._breaker, self.service_logger_obj)

    def _setup_health_pings(self) -> None:
        """No pings: nobody waits for a Redis, and the gateway itself logs that it is away."""

    def _admit_async_call(self, call: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
        return self._bounded(call)

    async def _bounded(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self.LIMIT):
                return await call()
        except Exception as error:
            self._breaker.failed(False)
            # At this error LiteLLM goes on with its memory, without a traceback in the log.
            raise RedisCircuitBreakerOpenError("Redis is away.") from error
