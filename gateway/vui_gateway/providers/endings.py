"""How a provider says that its answer is over: at its end, broken off, or stopped by a filter."""

from __future__ import annotations

from vui_gateway.errors import Ending

__all__ = ["BREAKS", "FILTER", "FILTERS", "broken"]

# Finish reasons of an answer that breaks off; LiteLLM makes "stop" of each. DeepSeek's
# (https://api-docs.deepseek.com/api/create-chat-completion), Z.ai's `network_error`
# (https://docs.z.ai/api-reference/llm/chat-completion), OpenRouter's `error`
# (https://openrouter.ai/docs/api/reference/errors), SGLang's and vLLM's `abort`, Cohere's
# `ERROR_LIMIT` (https://docs.oracle.com/en-us/iaas/tools/dotnet/latest/api/Oci.GenerativeaiinferenceService.Models.CohereChatResponse.FinishReasonEnum.html).
BROKEN_OFF = frozenset({
    "error", "network_error", "abort", "aborted", "insufficient_system_resource", "cancelled",
    "timeout", "server_error", "internal_error", "failed", "incomplete", "interrupted",
    "overloaded", "server_overloaded", "upstream_error", "provider_error", "connection_error",
    "canceled", "preempted", "system_error", "connection_closed", "engine_overloaded",
    "cancel", "user_cancel", "expired", "error_limit", "deadline_exceeded", "overload",
})  # fmt: skip
# And those of an answer that its provider could not read to its end; without a word before, the
# same request may well succeed. Gemini's (https://ai.google.dev/api/generate-content) and Bedrock's
# (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
MALFORMED = frozenset({
    "malformed_function_call", "malformed_response", "unexpected_tool_call",
    "too_many_tool_calls", "missing_thought_signature", "malformed_model_output",
    "malformed_tool_use",
})  # fmt: skip
BREAKS = BROKEN_OFF | MALFORMED
# LiteLLM's word for all reasons of a filter, such as Gemini's SAFETY and Claude's refusal; these
# it doesn't know, Gemini's in the letters of those who pass them on.
FILTER = "content_filter"
FILTERS = frozenset({
    "safety", "recitation", "prohibited_content", "blocklist", "spii", "moderation", "error_toxic",
    "risk_control",
})  # fmt: skip


def broken(finish_reason: str | None, raw: str = "", *, begun: bool = True) -> Ending | None:
    """Why an answer isn't whole at its end; None where it is, or is cut off at its length.

    finish_reason: LiteLLM's. raw: the provider's own. begun: something has come before it.
    """
    if not finish_reason:
        return None
    if (raw or finish_reason).lower() in (BREAKS if begun else BROKEN_OFF):
        return Ending.ENDED_EARLY
    return Ending.FILTERED if finish_reason == FILTER else None
