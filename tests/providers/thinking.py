"""Models that think unless they are kept from it, each with what its own API refuses."""

from __future__ import annotations

import re

from starlette.requests import Request

from tests.providers.anthropic import Anthropic
from tests.providers.base import Refused
from tests.providers.gemini import Gemini
from tests.providers.ollama import Ollama
from tests.providers.openai import FIELDS, OpenAI
from tests.providers.openai_like import VLLM, OpenRouter, Reasoning


class ChatLatest(Reasoning):
    """`medium` only: https://github.com/egoist/chatwise-releases/issues/1257"""

    efforts = ("medium",)

    def thinks(self, body: dict) -> bool:
        return False  # no less can be had of it


class Gemini25Pro(Gemini):
    """It has no budget below 128: https://github.com/saurabhav88/EnviousWispr/issues/1769"""

    def check_thinking(self, thinking: dict) -> None:
        super().check_thinking(thinking)
        if thinking.get("thinkingBudget") == 0:
            raise Refused("Budget 0 is invalid. This model only works in thinking mode.")

    def thinks(self, body: dict) -> bool:
        thinking = self.generation(body).get("thinking_config") or {}
        return not 0 < thinking.get("thinkingBudget", -1) <= 128


class OllamaGptOss(Ollama):
    """gpt-oss on Ollama: https://github.com/BerriAI/litellm/issues/34574"""

    def check(self, request: Request, body: dict) -> None:
        super().check(request, body)
        think = body.get("think")
        if think not in (None, True, False, "high", "medium", "low", "max"):
            raise Refused(
                f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or '
                "false)",
                500,
            )

    def thinks(self, body: dict) -> bool:
        return body.get("think") != "low"  # `false` changes nothing


class Zai(OpenAI):
    """https://docs.z.ai/api-reference/llm/chat-completion and
    https://docs.z.ai/guides/capabilities/thinking-mode
    """

    fields = frozenset(
        "model messages request_id do_sample stream stream_options thinking reasoning_effort "
        "temperature top_p max_tokens tool_stream tools tool_choice stop response_format "
        "user_id".split()
    )

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if not self.always(body):
            return
        # https://github.com/NousResearch/hermes-agent/pull/97286
        off = (body.get("thinking") or {}).get("type") == "disabled"
        if off or body.get("reasoning_effort") not in (None, "low", "high", "max"):
            raise Refused(
                "This model always engages in thinking and cannot be disabled; please use low, "
                "high, or max",
                code="1210",
            )

    def always(self, body: dict) -> bool:
        return "5.3" in body["model"]

    def thinks(self, body: dict) -> bool:
        if self.always(body):
            return body.get("reasoning_effort") != "low"
        return (body.get("thinking") or {}).get("type") != "disabled"


class Moonshot(OpenAI):
    """https://platform.kimi.ai/docs/guide/migrating-from-openai-to-kimi"""

    fields = (FIELDS | {"thinking"}) - {"prompt_cache_key", "prompt_cache_retention"}

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        off = (body.get("thinking") or {}).get("type") == "disabled"
        if off and not re.search(r"k2\.[56]$", body["model"]):
            raise Refused("invalid thinking: only type=enabled is allowed for this model")
        # https://github.com/MoonshotAI/kimi-code/issues/686
        only = 0.6 if off else 1
        if body.get("temperature") not in (None, only):
            raise Refused(f"invalid temperature: only {only} is allowed for this model")
        for name in ("presence_penalty", "frequency_penalty"):
            if body.get(name):
                raise Refused(f"invalid {name}: only 0 is allowed for this model")

    def thinks(self, body: dict) -> bool:
        if "k3" in body["model"]:
            return body.get("reasoning_effort") != "low"
        return (body.get("thinking") or {}).get("type") != "disabled"


class DashScope(OpenAI):
    """https://www.alibabacloud.com/help/en/model-studio/deep-thinking"""

    fields = FIELDS | {"enable_thinking", "thinking_budget", "top_k", "enable_search"}

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        # https://github.com/langchain4j/langchain4j/issues/3974
        if self.thinks(body) and not body.get("stream"):
            raise Refused("parameter.enable_thinking must be set to false for non-streaming calls")

    def thinks(self, body: dict) -> bool:
        return body.get("enable_thinking") is not False


class OpenRouterAny(OpenRouter):
    """OpenRouter, each model as https://openrouter.ai/api/v1/models has its `reasoning`."""

    # https://github.com/musistudio/claude-code-router/issues/1215
    # https://github.com/elie222/rakazo/issues/114
    mandatory = re.compile("minimax-m2|gemini-3|gpt-5-mini|gpt-oss|claude-opus-5.5|kimi-k3")

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        off = (body.get("reasoning") or {}).get("enabled") is False
        if self.mandatory.search(body["model"]) and (off or self.effort(body) == "none"):
            raise Refused("Reasoning is mandatory for this endpoint and cannot be disabled.")

    def thinks(self, body: dict) -> bool:
        return self.effort(body) not in ("none", "minimal", "low")


class GptOss(OpenAI):
    """gpt-oss wherever it runs: https://cookbook.openai.com/articles/openai-harmony"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("reasoning_effort") not in (None, "low", "medium", "high"):
            raise Refused("Invalid reasoning_effort", code="wrong_api_format")

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort") != "low"


class StopsInThoughts(VLLM):
    """vLLM, whose stop phrases strike in the thinking: https://github.com/vllm-project/vllm/issues/52393"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if self.thinks(body) and body.get("stop"):
            raise Refused("a stop phrase would strike in the thinking")


class Claude(Anthropic):
    """Those that think unless they are kept from it, and those that always do."""

    def thinks(self, body: dict) -> bool:
        least = (body.get("output_config") or {}).get("effort") == "low"
        return super().thinks(body) and not least
