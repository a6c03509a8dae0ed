"""The names of LiteLLM's callbacks: in which setting each works, and which need a package."""

from __future__ import annotations

from importlib.util import find_spec

import litellm

__all__ = ["ALL_EVENTS", "CALLBACK_SETTINGS", "known", "lacks_package"]

# Settings of `litellm_settings`; `callbacks` covers all events.
CALLBACK_SETTINGS = ("callbacks", "success_callback", "failure_callback")
ALL_EVENTS = CALLBACK_SETTINGS[0]
# Besides those that LiteLLM lists: of `callbacks`, and of the other two.
# https://github.com/BerriAI/litellm: litellm/proxy/common_utils/callback_utils.py,
# litellm/litellm_core_utils/litellm_logging.py (set_callbacks)
FOR_ALL = frozenset(
    ("code_interpreter_interception", "presidio", "llamaguard_moderations", "hide_secrets",
     "openai_moderations", "lakera_prompt_injection", "aporia_prompt_injection",
     "google_text_moderation", "llmguard_moderations", "blocked_user_check", "banned_keywords",
     "detect_prompt_injection", "batch_redis_requests", "azure_content_safety",
     "websearch_interception", "datadog_cost_management")
)  # fmt: skip
FOR_ONE = frozenset(
    ("sentry", "slack", "traceloop", "athina", "helicone", "lunary", "promptlayer", "dynamodb",
     "s3", "wandb", "supabase", "greenscale")
)  # fmt: skip
# LiteLLM would install some of these while the gateway runs.
PACKAGES = {
    "langfuse": "langfuse", "mlflow": "mlflow", "sentry": "sentry_sdk", "slack": "slack_bolt",
    "traceloop": "traceloop", "lunary": "lunary", "wandb": "wandb", "supabase": "supabase",
}  # fmt: skip


def lacks_package(name: str) -> bool:
    """Whether a callback imports a package that isn't here."""
    return name in PACKAGES and not find_spec(PACKAGES[name])


def known(setting: str) -> set[str]:
    """The names that LiteLLM starts from a setting; a module's own has a dot."""
    names = FOR_ALL if setting == ALL_EVENTS else FOR_ONE
    return {*litellm._known_custom_logger_compatible_callbacks, *names}
