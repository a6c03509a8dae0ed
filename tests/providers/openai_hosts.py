"""Services that host many models behind OpenAI's format, each with rules of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, sse
from tests.providers.openai import FIELDS, OpenAI
from tests.providers.templates import roles_alternate, system_first

EFFORTS = (None, "low", "medium", "high")


class ZAI(OpenAI):
    """GLM 4.6 at Z.ai: it thinks unless it is switched off.

    https://docs.z.ai/api-reference/llm/chat-completion and
    https://docs.z.ai/guides/capabilities/thinking-mode
    """

    fields = frozenset(
        "model messages request_id do_sample stream stream_options thinking temperature top_p "
        "max_tokens tool_stream tools tool_choice stop response_format user_id".split()
    )
    # "stop:最大只能有4个停止词", code 1214: https://github.com/QwenLM/Qwen-Agent/issues/370
    breaks = ("sensitive", "network_error")
    always_usage = True

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if self.kind(body) not in ("enabled", "disabled"):
            raise Refused("The API parameter is invalid: thinking.type", code="1210")
        # "Currently only auto": https://docs.z.ai/api-reference/llm/chat-completion
        if body.get("tool_choice") not in (None, "auto"):
            raise Refused("The API parameter is invalid: tool_choice", code="1210")

    def kind(self, body: dict) -> str:
        return (body.get("thinking") or {}).get("type", "enabled")

    def thinks(self, body: dict) -> bool:
        return self.kind(body) != "disabled"


class ZAIAlways(ZAI):
    """GLM 5.3: it can't be switched off, only turned down.

    https://dev.to/aihubmix/glm-53-api-guide-always-on-thinking-3-effort-levels-and-the-support-matrix-1d8e
    """

    fields = ZAI.fields | {"reasoning_effort"}

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if self.kind(body) != "enabled":
            raise Refused("The API parameter is invalid: thinking.type", code="1210")
        if body.get("reasoning_effort") not in (None, "low", "high", "max"):
            raise Refused("The API parameter is invalid: reasoning_effort", code="1210")

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort") != "low"


class Kimi(OpenAI):
    """Kimi K2.5 and later at Moonshot: https://platform.moonshot.ai/docs/api/chat"""

    # `prompt_cache_key` too: https://github.com/zed-industries/zed/issues/52000
    fields = frozenset(
        "model messages max_tokens max_completion_tokens temperature top_p n presence_penalty "
        "frequency_penalty response_format stop stream stream_options tools tool_choice thinking "
        "reasoning_effort logprobs top_logprobs safety_identifier".split()
    )
    # https://github.com/mnfst/modelparams.dev/pull/168: up to five stops
    max_stops = 5

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if "thinking" in body and "reasoning_effort" in body:
            # https://github.com/HKUDS/nanobot/issues/3939
            raise Refused("cannot specify both 'thinking' and 'reasoning_effort'")
        if body.get("reasoning_effort") not in EFFORTS:
            raise Refused(f"invalid reasoning_effort: {body['reasoning_effort']}")
        # https://github.com/UKGovernmentBEIS/inspect_ai/pull/5156: in both modes, and
        # https://github.com/Warma10032/VideoAdGuard/issues/34
        only = {
            "temperature": 1 if self.thinks(body) else 0.6, "top_p": 0.95,
            "presence_penalty": 0, "frequency_penalty": 0,
        }  # fmt: skip
        for name, value in only.items():
            if body.get(name) not in (None, value):
                raise Refused(f"invalid {name}: only {value} is allowed for this model")
        if self.thinks(body) and body.get("tool_choice") not in (None, "auto", "none"):
            # https://github.com/can1357/oh-my-pi/issues/1077
            raise Refused("tool_choice specified is incompatible with thinking enabled")

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        for index, message in enumerate(body["messages"]):
            if message["role"] == "assistant" and not (
                message.get("content") or message.get("tool_calls")
            ):
                raise Refused(f"message at position {index} with role 'assistant' is empty")

    def thinks(self, body: dict) -> bool:
        return (body.get("thinking") or {}).get("type") != "disabled"


class DashScope(OpenAI):
    """Alibaba's open Qwen3 models: https://www.alibabacloud.com/help/en/model-studio/qwen-api"""

    fields = frozenset(
        "model messages stream stream_options modalities temperature top_p top_k presence_penalty "
        "response_format max_tokens n enable_thinking thinking_budget seed logprobs top_logprobs "
        "stop tools tool_choice parallel_tool_calls enable_search search_options "
        "repetition_penalty".split()
    )

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if self.thinks(body) and not body.get("stream"):
            # https://github.com/langchain4j/langchain4j/issues/3974
            raise Refused(
                "parameter.enable_thinking must be set to false for non-streaming calls",
                code="invalid_parameter_error",
            )

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        # One of the hosts with a strict template: https://github.com/can1357/oh-my-pi/issues/958
        system_first(body["messages"])

    def optional(self, body: dict) -> list[str]:
        # Its switch is none of them: thoughts aren't streamed.
        return [name for name in super().optional(body) if name != "enable_thinking"]

    def thinks(self, body: dict) -> bool:
        return body.get("enable_thinking") is not False


class Perplexity(OpenAI):
    """Sonar, which searches the web for each answer: no tools, and marks of its sources.

    https://docs.perplexity.ai/api-reference/chat-completions-post
    """

    fields = frozenset(
        "model messages search_mode reasoning_effort max_tokens temperature top_p top_k stream "
        "language_preference search_domain_filter return_images return_related_questions "
        "search_recency_filter presence_penalty frequency_penalty response_format disable_search "
        "enable_search_classifier web_search_options stream_mode".split()
    )
    always_usage = True

    def check_body(self, body: dict) -> None:
        if body.get("tools"):
            # https://community.home-assistant.io/t/41145
            raise Refused("Tool calling is not supported for this model.")
        super().check_body(body)

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        # https://github.com/perplexityai/api-discussion/issues/265
        roles_alternate(
            body["messages"],
            "After the (optional) system message(s), user or tool message(s) should alternate "
            "with assistant message(s).",
        )
        if body["messages"][-1]["role"] not in ("user", "tool"):
            raise Refused("Last message must have role `user` or `tool`.")

    def frames(self, body: dict, script: Script) -> list[bytes]:
        """With the marks of its sources, which nobody says."""
        pieces = script.cut()
        return super().frames(body, replace(script, pieces=[*pieces, "[1][2]"[: 9 * any(pieces)]]))


class Foundry(OpenAI):
    """Llama at Azure AI Foundry.

    https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions
    """

    # `prompt_cache_key` is refused: https://github.com/vectorize-io/hindsight/issues/3518
    fields = frozenset(
        "model messages frequency_penalty max_tokens presence_penalty response_format seed stop "
        "stream stream_options temperature tool_choice tools top_p modalities".split()
    )
    max_stops = None

    def check(self, request: Request, body: dict) -> None:
        if request.url.path != "/models/chat/completions":
            raise Refused("Resource not found", 404)
        if not request.headers.get("api-key") and not request.headers.get("authorization"):
            raise Refused("Access denied due to missing subscription key.", 401)
        self.check_body(body)


class LMStudio(OpenAI):
    """Qwen3 in LM Studio: https://lmstudio.ai/docs/developer/openai-compat/chat-completions"""

    # It reads what it knows, and leaves the rest unread.
    fields = FIELDS | frozenset("top_k repeat_penalty ttl draft_model chat_template_kwargs".split())
    max_stops = None

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        # https://lmstudio.ai/docs/developer/openai-compat/tools
        if not isinstance(body.get("tool_choice", "auto"), str):
            raise Refused("Invalid tool_choice type: 'object'. Supported string values: none, auto")

    def thinks(self, body: dict) -> bool:
        # The effort becomes the model's own switch:
        # https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2047
        return body.get("reasoning_effort") != "none"

    def error(self, message: str, status: int, code: str | None = None, **_: Any) -> dict:
        return {"error": message}  # a string: https://github.com/Gitlawb/openclaude/issues/353

    def error_frame(self, message: str) -> bytes:
        # https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2322
        return sse({"error": {"message": message}}, "error")


class ThreeEfforts(OpenAI):
    """A host whose models think in a field of its own, by one of three efforts."""

    always_usage = True
    reasoning_field = "reasoning"

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("reasoning_effort") not in EFFORTS:
            raise Refused("reasoning_effort: Input should be 'low', 'medium' or 'high'", 422)


class Cerebras(ThreeEfforts):
    """gpt-oss at Cerebras.

    https://inference-docs.cerebras.ai/api-reference/chat-completions and
    https://inference-docs.cerebras.ai/resources/openai: what is refused with 400
    """

    # https://docs.getbifrost.ai/providers/supported-providers/cerebras: no `prompt_cache_key`
    fields = FIELDS - frozenset(
        "frequency_penalty logit_bias presence_penalty parallel_tool_calls service_tier "
        "prompt_cache_key prompt_cache_retention".split()
    ) | {"reasoning_format", "disable_reasoning", "clear_thinking"}  # fmt: skip

    def thinks(self, body: dict) -> bool:
        return body.get("reasoning_effort", "medium") != "low"


class Together(ThreeEfforts):
    """A hybrid model at Together: https://docs.together.ai/docs/inference/chat/reasoning"""

    # https://docs.together.ai/reference/chat-completions-1
    fields = frozenset(
        "messages model max_tokens stop temperature top_p top_k repetition_penalty stream "
        "stream_options logprobs echo n min_p presence_penalty frequency_penalty logit_bias seed "
        "response_format tools tool_choice compliance chat_template_kwargs reasoning "
        "reasoning_effort safety_model context_length_exceeded_behavior".split()
    )
    max_stops = None

    def thinks(self, body: dict) -> bool:
        return (body.get("reasoning") or {}).get("enabled") is not False


class Fireworks(OpenAI):
    """Kimi K2.5 at Fireworks: https://docs.fireworks.ai/guides/reasoning"""

    # https://docs.fireworks.ai/api-reference/post-chatcompletions
    fields = FIELDS | frozenset(
        "top_k min_p repetition_penalty mirostat_target context_length_exceeded_behavior "
        "thinking reasoning_history perf_metrics_in_response prompt_cache_isolation_key".split()
    )
    always_usage = True

    def check_names(self, item: dict, names: frozenset[str], where: str) -> None:
        # https://github.com/web-infra-dev/midscene/issues/1322
        for name in sorted(set(item) - names):
            raise Refused(f"Extra inputs are not permitted, field: '{where}.{name}'")

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("reasoning_effort") not in (*EFFORTS, "none"):
            raise Refused(f"Invalid value for reasoning_effort: {body['reasoning_effort']}")
        if "thinking" in body and "reasoning_effort" in body:
            raise Refused("Cannot specify both thinking and reasoning_effort")

    def thinks(self, body: dict) -> bool:
        # https://github.com/earendil-works/pi/issues/3123
        off = (body.get("thinking") or {}).get("type") == "disabled"
        return not off and body.get("reasoning_effort") != "none"


class NIM(OpenAI):
    """Nemotron 3 at NVIDIA: https://docs.api.nvidia.com/nim/reference/nvidia-nemotron-3-nano-30b-a3b

    The request's schema takes no other fields: https://github.com/can1357/oh-my-pi/issues/2299
    """

    fields = frozenset(
        "messages model temperature top_p frequency_penalty presence_penalty max_tokens seed stop "
        "stream stream_options tools tool_choice chat_template_kwargs reasoning_budget".split()
    )
    unknown_status = 422  # https://github.com/NVIDIA/garak/issues/748
    max_stops = None

    def thinks(self, body: dict) -> bool:
        # https://github.com/NVIDIA-NeMo/nemo-platform/pull/1753
        template = body.get("chat_template_kwargs") or {}
        return template.get("enable_thinking") is not False


class GitHub(OpenAI):
    """GitHub Models: https://docs.github.com/en/rest/models/inference"""

    fields = frozenset(
        "model messages frequency_penalty max_tokens modalities presence_penalty response_format "
        "seed stream stream_options stop temperature tool_choice tools top_p".split()
    )

    def check(self, request: Request, body: dict) -> None:
        if request.url.path != "/inference/chat/completions":
            raise Refused("Not Found", 404)
        super().check(request, body)
