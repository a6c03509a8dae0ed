"""The variables that LiteLLM reads at its import: set before it."""

from __future__ import annotations

import os

from vui_gateway.variables import WITHOUT_EFFECT

__all__ = ["CALL_LOGGERS", "ENVIRONMENT", "IDLE_TALK", "LOGGERS", "ONE_CLIENT"]

# One HTTP client for OpenAI's format too, instead of OpenAI's SDK around it.
ONE_CLIENT = "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"
# Read by LiteLLM at import. https://docs.litellm.ai/docs/proxy/config_settings
ENVIRONMENT = {
    # The price table comes with the package: the start neither waits for the internet nor fails
    # without it. https://docs.litellm.ai/docs/proxy/sync_models_github
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Cut at 4 KB by LiteLLM, a credential may be cut in two, and be none to our own redaction.
    "MAX_STRING_LENGTH_STDOUT_LOG": "100000",
    # No `.env` is read from the working directory by LiteLLM itself.
    "LITELLM_MODE": "PRODUCTION",
    # The admin UI, the API docs and the OpenAPI schema are neither built nor served.
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
    "NO_REDOC": "True",
    "NO_OPENAPI": "True",
    # 1 ms less until the first token, and a tenth more turns per second; for most providers
    # (patches.py).
    ONE_CLIENT: "True",
    # Its search for secrets takes 0.4 s for a megabyte, and minutes for 16 KB of a chosen pattern,
    # several times for each error. It knows the look of some secrets: ours knows the secrets.
    "LITELLM_DISABLE_REDACT_SECRETS": "true",
    # Fewer garbage collections than with Python's own thresholds; but a call leaves 10 KB behind
    # that only the last of the three generations frees: every 250 calls.
    "PYTHON_GC_THRESHOLD": "20000,5,5",
    # Seconds that a provider's connection stays open between two turns, and the probes that keep
    # a home router from forgetting it.
    "AIOHTTP_KEEPALIVE_TIMEOUT": "120",
    "AIOHTTP_SO_KEEPALIVE": "True",
    "AIOHTTP_TCP_KEEPIDLE": "30",
    "AIOHTTP_TCP_KEEPINTVL": "10",
}
# LiteLLM's loggers, and those that say of a failed call what its answer says, in a hundred lines.
LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router")
CALL_LOGGERS = LOGGERS[1:]
# Warnings at each start, about an admin UI and a database that aren't here, and about nothing; a
# cache that can't start has a sentence of ours.
IDLE_TALK = ("trusted_proxy_ranges is not set", "gc.freeze pinned", "LiteLLM Redis Cache PING: -")

for _name in WITHOUT_EFFECT:
    os.environ.pop(_name, None)
for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
