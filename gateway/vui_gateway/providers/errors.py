"""Our code for a provider's failure, by its status and its own words for it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

from vui_gateway.errors import Code
from vui_gateway.providers.blame import wait_asked
from vui_gateway.providers.server_errors import (
    context_size,
    is_context_error,
    is_loading,
    is_unloaded,
    is_unreachable,
    lacks_route,
    refuses_tools,
)

__all__ = ["Asked", "error_code", "unechoed"]

# Credit or quota that is used up, whatever the status: 429 `insufficient_quota`
# (https://platform.openai.com/docs/guides/error-codes), 400 "Your credit balance is too low"
# (https://github.com/anthropics/claude-quickstarts/issues/229), 402 of OpenRouter and DeepSeek,
# 403 "used all available credits" of xAI (https://github.com/continuedev/continue/issues/10373),
# "insufficient balance (1008)" of MiniMax (https://github.com/MiniMax-AI/MiniMax-M2/issues/62),
# 1113 of Z.ai (https://docs.z.ai/api-reference/api-code), Moonshot's `exceeded_current_quota_error`
# (https://platform.moonshot.ai/docs/api/chat), 30001 of SiliconFlow, `Arrearage` of DashScope.
_CREDIT = r"(?:quota|balance|credits?|funds?)\b"
OUT_OF_CREDIT = re.compile(
    rf"(?:insufficient|not[ _]enough)[ _-](?:account[ _])?{_CREDIT}|credit balance"
    rf"|balance (?:is |was )?(?:too low|insufficient|not enough|not sufficient|exhausted|negative)"
    rf"|(?:used|spent|exhausted|consumed|exceeded|depleted|reached|out of|run out of|ran out of)"
    rf"(?: up)?"
    rf"(?: (?:all|of|the|its|your|available|remaining|included|monthly|free|prepaid|api)){{0,5}}"
    rf" (?:credits?\b|spending limit)"
    rf"|credits? (?:limit )?(?:is |are |ha(?:ve|s) been )?(?:exceeded|exhausted|used up|depleted)"
    rf"|have any credits|requires more credits|exceeded_current_quota|insufficient_quota"
    rf"|key limit exceeded|free (?:allocated )?quota exceeded|free_?tier_?only"
    # DashScope's and Volcengine's, https://www.alibabacloud.com/help/en/model-studio/error-code and
    # https://www.volcengine.com/docs/82379/1299023
    rf"|account is in good standing|free tier[^.\n]{{0,30}}exhausted|set ?limit ?exceeded"
    rf"|spending (?:limit|cap)"
    rf"|usage (?:limits?|quota)(?: (?:has been )?(?:reached|exceeded)|\. (?:you|it) will)"
    rf"|credits? expired|limit exhausted|plan (?:package )?has expired"
    rf"|billing[ _](?:hard[ _]limit|not[ _]active)|arrearage|account ?overdue|余额不足|欠费"
    rf"|用量上限|(?:[\"']code[\"']\s?:\s?[\"']?|\()(?:1113|1008|30001|1304|1308|1309|1310)\b",
    re.IGNORECASE,
)
# Gemini says the same of a limit for a minute, and then how long to wait:
# https://ai.google.dev/gemini-api/docs/rate-limits
CURRENT_QUOTA = re.compile(r"current quota", re.IGNORECASE)
# Groq's 413 for a request larger than its tokens per minute, GitHub's 403, an error in a stream.
RATE_LIMIT = re.compile(
    r"rate[ _-]?limit(?:ed|s)?\b|rate_limit_|too many requests|(?:tokens|requests) per minute"
    r"|resource_exhausted|(?:high|reduce|exceeded?|max(?:imum)?) concurren|请求过多|并发",
    re.IGNORECASE,
)
# A limit of a day or longer, in the words of Groq, OpenRouter, Cerebras, GitHub and Cohere; and in
# the `quotaId` of Gemini, whose `retryDelay` is half a minute nevertheless.
LONG_LIMIT = re.compile(
    r"per[ _-]?(?:day|month)|/ ?(?:day|month)\b|\b(?:daily|monthly)\b|by ?day\b|86400 ?s",
    re.IGNORECASE,
)
LIMIT_OF_A_MINUTE = re.compile(r"(?:per[ _-]?|/ ?)min", re.IGNORECASE)
GEMINIS_DAY = "PerDay"
SOON = 60.0  # seconds: a limit that is over then is none of a day, whatever is said of days
# A sentence that a filter refused, not a key: OpenRouter's 403
# (https://openrouter.ai/docs/api/reference/errors), xAI's (`SAFETY_CHECK_TYPE_…`), DashScope's 400
# `data_inspection_failed`, Z.ai's 1301.
FLAGGED = re.compile(
    r"\bflagged\b|requires? moderation|moderation (?:block|fail|reject)|by moderation"
    r"|content[_ -]filter|\b(?:exists|high) risk|safety (?:system|settings?|filter|check|polic)"
    r"|guardrail|model armor|data_?inspection|safety_check|content (?:management )?polic"
    r"|usage (?:guidelines|polic)"
    r"|\b(?:input|output|content|prompt|message|request)\b[^.\n]{0,40}(?:inappropriate|unsafe"
    r"|(?<!case.)sensitive|violat|prohibited|harmful)|敏感"
    r"|\b(?:unsafe|(?<!case.)sensitive|harmful|prohibited)\b[^.\n]{0,20}\bcontent\b",
    re.IGNORECASE,
)
ACCOUNT_BLOCKED = re.compile(
    r"\b(?:account|organi[sz]ation|project|key|your access)\b[^.\n]{0,40}"
    r"(?:flagged|suspend|block|disabl|terminat|bann|deactivat|restrict)",
    re.IGNORECASE,
)
# Gemini and xAI answer 400 to a bad key: https://ai.google.dev/gemini-api/docs/troubleshooting
BAD_KEY = re.compile(
    r"api[ _-]?key[^.\n]{0,20}(?:not valid|invalid|incorrect|expired|not (?:be )?found)"
    r"|(?:invalid|incorrect|expired)[ _](?:x-)?api[ _-]?key",
    re.IGNORECASE,
)
# None was sent: Google's libraries and Amazon's find no credentials on this machine, or Google
# takes those no more.
NO_CREDENTIALS = re.compile(
    r"default credentials were not found|unable to locate credentials|reauthentication is needed"
    r"|\('invalid_grant",
    re.IGNORECASE,
)
# Z.ai's 1211, xAI's, OpenRouter's, Bedrock's, Groq's, GitHub's, DeepSeek's and Mistral's 400, and
# OpenAI's 403 for a project without access to the model. Names of models have dots. In some places
# a provider serves none: https://platform.openai.com/docs/guides/error-codes.
NO_MODEL = re.compile(
    r"unknown model|\bmodels?\b(?:[^.\n]|\.\S){0,60}?(?:not (?:found|exist)|n.t exist"
    r"|decommissioned|is blocked at|requires terms|not supported by (?:any )?provider)"
    r"|(?:invalid|unavailable) model\b(?! output)|not a valid model|model identifier is invalid"
    r"|access to (?:the )?model|unable to access (?:non-serverless )?model|model access is denied"
    r"|no such model|on-demand throughput|model_?not_?found"
    r"|(?:\A|[\"'.:-] ?)(?:the )?(?:requested |specified )?model(?: \S{1,80})? is not supported\b"
    r"(?! (?:for|with|in|when)\b)"
    r"|unsupported_country|(?:country|location|territory) (?:is )?not supported"
    r"|not available in (?:your|this) (?:country|region|location)",
    re.IGNORECASE,
)
# 503 of new-api and one-api: https://github.com/QuantumNous/new-api/pull/6310
NO_CHANNEL = re.compile(r"no available channels? for model|无可用渠道", re.IGNORECASE)
# The user's words, or the model's, which a provider repeats: they say nothing of the failure. What
# isn't a plain string is taken for its end. The last one is Pydantic's.
ECHOED = re.compile(
    r"([\"'](?:flagged_input|failed_generation|input)\\*[\"']\s*:\s*|\binput_value=)"
    r"(?:(?<=input_value=).*?(?=, input_type=|\Z)"
    r"|\"(?:[^\"\\]|\\.)*+(?:\"|\Z)|'(?:[^'\\]|\\.)*+(?:'|\Z)|[\[{\\].*)",
    re.DOTALL,
)
# LiteLLM's own errors end with the message, the conversation or the answer that it can't read.
LITELLMS_ECHO = re.compile(
    r"\b(?:messages?|tool calls|argument|passed in|received_args|(?:received|from) chunk)"
    r"\s?[-=:]?\s?\[?\{(?=.{0,2000}['\"](?:role|tool_calls|choices|function)['\"]).*",
    re.DOTALL | re.IGNORECASE,
)
# LiteLLM has read each provider's words for these: https://docs.litellm.ai/docs/exception_mapping
LONG = "ContextWindowExceededError"
EXCEPTIONS = {
    LONG: Code.CONTEXT_WINDOW_EXCEEDED,
    "ContentPolicyViolationError": Code.CONTENT_POLICY_VIOLATION,
}


class Asked(NamedTuple):
    """The facts of a failed request on which its error code depends.

    Attributes:
        tools: it offered some.
        first: nothing has been said yet but by the user.
        context: tokens that vui needs a server to hold.
        local: it went to a server of one's own.
    """

    tools: bool = False
    first: bool = False
    context: int = 0
    local: bool = False


def unechoed(message: str) -> str:
    """The error without the parts of the request, or of the model's answer, that it repeats."""
    return ECHOED.sub(r'\1""', LITELLMS_ECHO.sub("…", message))


def error_code(status: int, message: str, asked: Asked = Asked()) -> Code:  # noqa: B008
    """Our code for a provider's HTTP status and error message."""
    message = unechoed(message)
    limited = status == HTTPStatus.TOO_MANY_REQUESTS
    spent = OUT_OF_CREDIT.search(message) or (
        CURRENT_QUOTA.search(message) and not (limited and wait_asked(message))
    )
    limited = limited or bool(status not in (401, 404) and RATE_LIMIT.search(message))
    if status == HTTPStatus.PAYMENT_REQUIRED or spent or (limited and _is_of_a_day(message)):
        return Code.PROVIDER_QUOTA_EXCEEDED
    if limited:
        return Code.PROVIDER_RATE_LIMITED
    flagged = FLAGGED.search(message) and not ACCOUNT_BLOCKED.search(message)
    if flagged and status in (400, 403, 422):
        return Code.CONTENT_POLICY_VIOLATION
    if asked.tools and refuses_tools(message):
        return Code.PROVIDER_REFUSED_TOOLS
    if asked.local and lacks_route(status, message):
        return Code.SERVER_UNREACHABLE
    if status in (400, 403, 404) and is_unloaded(message):
        return Code.MODEL_NOT_LOADED
    lacked = status in (400, 403, 422) and NO_MODEL.search(message)
    if status in (404, 410) or lacked or NO_CHANNEL.search(message):
        return Code.PROVIDER_MODEL_NOT_FOUND
    account = BAD_KEY.search(message) or ACCOUNT_BLOCKED.search(message)
    if status in (401, 403) or (status == 400 and account) or NO_CREDENTIALS.search(message):
        return Code.PROVIDER_KEY_REFUSED
    if LONG in message or is_context_error(message):
        size = context_size(message)
        small = asked.first if size is None else size < asked.context
        return Code.CONTEXT_TOO_SMALL if small else Code.CONTEXT_WINDOW_EXCEEDED
    if found := [code for name, code in EXCEPTIONS.items() if name in message]:
        return found[0]
    if status >= 500 and is_loading(message):
        return Code.MODEL_LOADING
    if status >= 500 and asked.local and is_unreachable(message):
        return Code.SERVER_UNREACHABLE
    if status in (400, 413, 422):
        return Code.PROVIDER_REFUSED_REQUEST
    return Code.NO_ANSWER


def _is_of_a_day(message: str) -> bool:
    """Whether a limit is one of a day or longer."""
    if GEMINIS_DAY in message:
        return True
    long = LONG_LIMIT.search(message) and not LIMIT_OF_A_MINUTE.search(message)
    return bool(long) and not 0 < wait_asked(message) < SOON
