"""The variables of `.env`: whose they are, and when LiteLLM gets them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

__all__ = [
    "MASTER_KEY", "OWN_PREFIX", "REDIS_PREFIX", "TELEMETRY", "WITHOUT_EFFECT", "collector",
    "has_no_effect", "hidden", "read_at_start", "unknown",
]  # fmt: skip

# The container sets where the gateway listens and finds its files, not `.env`.
OWN_PREFIX = "VUI_GATEWAY_"
# Suffixes of provider keys and addresses (read per call); prefixes of ours, Compose's and vui's.
KEY_SUFFIXES = ("_API_KEY", "_API_BASE")
OUR_PREFIXES = ("VUI_", "COMPOSE_", "TZ")
MASTER_KEY = "LITELLM_MASTER_KEY"
# For a cache: LiteLLM gets them once it has started, which would wait for a Redis that is away.
REDIS_PREFIX = "REDIS_"
TELEMETRY = "OTEL_"  # prefix of OpenTelemetry's, which take effect at once
# LiteLLM doesn't get these: a LITELLM_LOG that names no level would end its start, and it would
# look for a database.
WITHOUT_EFFECT = (
    "LITELLM_LOG", "JSON_LOGS", "DETAILED_DEBUG", "DATABASE_URL", "DIRECT_URL",
    "STORE_MODEL_IN_DB", "UI_USERNAME", "UI_PASSWORD",
)  # fmt: skip
# The HTTP clients that LiteLLM makes at its start are for all calls.
NETWORK = re.compile("PROXY|SSL|CERT|AIOHTTP|TIMEOUT", re.I)


def unknown(env: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that only `.env` sets, besides keys, addresses and ours: LiteLLM, or a library,
    may read them.
    """
    return {
        name: value
        for name, value in env.items()
        if name not in (*environ, *WITHOUT_EFFECT)
        and not (name.startswith(OUR_PREFIXES) or name.endswith(KEY_SUFFIXES))
    }


def has_no_effect(name: str, with_cache: bool) -> bool:
    """Whether LiteLLM never gets this variable, or, without a cache, nothing reads it."""
    return name in WITHOUT_EFFECT or (name.startswith(REDIS_PREFIX) and not with_cache)


def collector(env: Mapping[str, str], signal: str) -> str:
    """The address to which the gateway itself exports TRACES or METRICS; empty for none."""
    off = env.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or env.get(f"OTEL_{signal}_EXPORTER", "").lower() == "none":
        return ""
    base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    whole = f"{base}/v1/{signal.lower()}" if base else ""
    return env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or whole


def read_at_start(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that LiteLLM may have read at its start and won't read again."""
    late = (REDIS_PREFIX, TELEMETRY, MASTER_KEY)
    return {name: value for name, value in variables.items() if not name.startswith(late)}


@contextmanager
def hidden(variables: Iterable[str]) -> Iterator[None]:
    """Take variables out of this process's environment for a while, but those of its network.

    LiteLLM's start would connect to a bucket or a service that they name, and fail without it.
    """
    names = [n for n in variables if n in os.environ and not NETWORK.search(n)]
    before = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(before)
