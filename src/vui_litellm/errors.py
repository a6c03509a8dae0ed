"""Failures of a call: the gateway's own message for the log, and a sentence for the ear."""

from __future__ import annotations

import json
import re

import httpx

__all__ = [
    "SENTENCES", "GatewayError", "gateway_lost", "head_start_refused", "is_ours", "parse_error",
    "refused_field", "sanitize_messages", "spoken_message",
]  # fmt: skip

KEY_REFUSED = "Sorry, the gateway refused my key, so please check the VUI LITELLM KEY setting."
KEY_REVOKED = "Sorry, my key for the gateway was taken back, so please ask for a new one."
PROVIDER_KEY = "Sorry, the model's provider refused its key, so please check that key."
QUOTA = "Sorry, the quota for this model is used up, so please top it up or pick another model."
RATE_LIMITED = "Sorry, the model's provider wants fewer requests, so please wait half a minute."
BUDGET = "Sorry, today's budget is spent, so please raise the VUI LITELLM BUDGET or wait a day."
CLIENT_BUDGET = "Sorry, today's budget of my key is spent, so please wait a day or ask for more."
MODEL_UNKNOWN = "Sorry, the gateway doesn't have that model, so please pick another one."
PROVIDER_MODEL = "Sorry, the provider doesn't have that model, so please pick another one."
NOT_LOADED = "Sorry, the model's server has no model loaded, so please load one there."
REQUEST_REFUSED = "Sorry, the model refused my request, so please pick another model."
FILTERED = "Sorry, the model's filter refused that, so please say it in another way."
TOO_LONG = "Sorry, our conversation has grown too long, so please start a new one."
TOO_SMALL = "Sorry, the context of the model's server is too small, so please raise it there."
EMPTY = "Sorry, the model's server gave an empty reply, so please check its chat template."
LOADING = "Sorry, the model is still being loaded, so please try again in a moment."
SERVER_AWAY = "Sorry, I can't reach the model's server, so please start it or check its address."
TOO_MANY = "Sorry, too many calls came at once, so please try again in a moment."
GATEWAY_AWAY = "Sorry, I can't reach the gateway, so please check that it is running."
APOLOGY = "Sorry, something went wrong with the model, please try again."

# The `code` of our gateway's errors (docs/operations.md has the table).
BY_CODE = {
    "invalid_key": KEY_REFUSED,
    "invalid_request": APOLOGY,
    "key_revoked": KEY_REVOKED,
    "budget_exceeded": BUDGET,
    "client_budget_exceeded": CLIENT_BUDGET,
    "route_not_found": APOLOGY,
    "model_not_served": MODEL_UNKNOWN,
    "request_timeout": APOLOGY,
    "request_too_large": TOO_LONG,
    "too_many_calls": TOO_MANY,
    "provider_key_refused": PROVIDER_KEY,
    "provider_quota_exceeded": QUOTA,
    "provider_rate_limited": RATE_LIMITED,
    "provider_model_not_found": PROVIDER_MODEL,
    "model_not_loaded": NOT_LOADED,
    "provider_refused_request": REQUEST_REFUSED,
    "context_window_exceeded": TOO_LONG,
    "context_too_small": TOO_SMALL,
    "empty_answer": EMPTY,
    "provider_refused_tools": REQUEST_REFUSED,
    "model_loading": LOADING,
    "server_unreachable": SERVER_AWAY,
    "content_policy_violation": FILTERED,
    "no_answer": APOLOGY,
    "gateway_unavailable": GATEWAY_AWAY,
    "head_start_refused": APOLOGY,
}
# The `type` of somebody else's LiteLLM, whose `code` is the HTTP status.
# https://github.com/BerriAI/litellm/blob/main/litellm/proxy/_types.py, `ProxyErrorTypes`
BY_TYPE = {
    "auth_error": KEY_REFUSED,
    "expired_key": KEY_REFUSED,
    "no_db_connection": KEY_REFUSED,  # 400: without a database only the master key is right
    "token_not_found_in_db": KEY_REFUSED,
    "budget_exceeded": QUOTA,
    "key_model_access_denied": MODEL_UNKNOWN,
    "team_model_access_denied": MODEL_UNKNOWN,
}
BY_STATUS = {
    400: REQUEST_REFUSED,  # LiteLLM's own answer to a model that it doesn't serve, too
    401: PROVIDER_KEY,
    402: QUOTA,
    403: PROVIDER_KEY,
    404: PROVIDER_MODEL,
    413: TOO_LONG,
}
CONNECTION_LOST = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
# Every sentence outlives vui's text clean-up unchanged: it is found again in the conversation.
SENTENCES = tuple(dict.fromkeys(BY_CODE.values()))
# With the name of the variable that holds the refused key, where the gateway names it.
NAMED_KEY = "Sorry, the model's provider refused its key, so please change the {} in the env file."
# With the tokens that vui needs, which our gateway sends.
NEEDED_CONTEXT = (
    "Sorry, the context of the model's server is too small, so please raise it to {} tokens there."
)
_PATTERNS = [
    *map(re.escape, SENTENCES),
    re.escape(NAMED_KEY).replace(r"\{\}", "[A-Z0-9 ,]+"),
    re.escape(NEEDED_CONTEXT).replace(r"\{\}", "[0-9]+"),
]
SPOKEN = re.compile(f" ?(?:{'|'.join(_PATTERNS)})")

# https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
MESSAGE_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id")
# Fields that a reply can do without, and refusals' names for them. Where `temperature` and `top_p`
# exclude each other, both are named: the rarer one goes first.
OPTIONAL_FIELDS = {
    "top_p": "topp",
    "presence_penalty": "penalty",
    "reasoning_effort": "reasoningeffort",
    "temperature": "temperature",
    "stop": "stop",
}


class GatewayError(httpx.HTTPStatusError):
    """The gateway, or the provider behind it, answered with an error instead of a reply.

    code: our gateway's name for it; empty when the answer comes from somebody else's.
    param: the variable of a refused key, or the tokens that vui needs, where our gateway names it.
    type: LiteLLM's name for it. status: the HTTP status, or the one that an error frame names.
    """

    def __init__(self, response: httpx.Response, body: str):
        error = parse_error(body)
        code = str(error.get("code") or "")
        numeric = code.isascii() and code.isdigit()
        self.code = "" if numeric else code
        self.type = str(error.get("type") or "")
        self.param = str(error.get("param") or "")
        # An error frame comes inside of a 200.
        self.status = int(code) if numeric and response.is_success else response.status_code
        text = str(error.get("message") or body or response.reason_phrase).strip()
        text = (text.splitlines() or ["no message"])[0][:500]
        super().__init__(
            f"{text} ({self.code or self.status})", request=response.request, response=response
        )


def parse_error(body: str) -> dict:
    """The fields of OpenAI's error envelope; none when it is no such envelope."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    if error is None:
        return {}
    return error if isinstance(error, dict) else {"message": str(error)}


def is_ours(error: GatewayError) -> bool:
    """Whether an error is our gateway's, and not somebody else's LiteLLM's."""
    return error.code in BY_CODE


def gateway_lost(error: Exception) -> bool:
    """True when it can't be the same gateway's answer any more: it ended, or was never reached.

    Its calls to providers ended with it. A balancer in front of several gateways says so with a
    code, and passes the next request to another one.
    """
    if isinstance(error, GatewayError):
        return error.code == "gateway_unavailable"
    return isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)


def head_start_refused(error: Exception) -> bool:
    """Whether our gateway lets no reply be asked for before its turn is certain."""
    return isinstance(error, GatewayError) and error.code == "head_start_refused"


def spoken_message(error: Exception) -> str:
    """One short sentence for the ear: what to do, or an apology when the user can do nothing."""
    if isinstance(error, CONNECTION_LOST):
        return GATEWAY_AWAY
    if not isinstance(error, GatewayError):
        return APOLOGY
    if error.code == "provider_key_refused" and error.param:
        return NAMED_KEY.format(error.param.replace("_", " "))
    if error.code == "context_too_small" and error.param:
        return NEEDED_CONTEXT.format(error.param)
    named = BY_CODE.get(error.code) or BY_TYPE.get(error.type)
    return named or BY_STATUS.get(error.status, APOLOGY)


def refused_field(request: httpx.Request, body: str) -> str | None:
    """The optional field of a request that its refusal names.

    OpenAI names it in `param`; most providers do so in their message only, each in its own words.
    """
    sent = json.loads(request.content)
    optional = [field for field in OPTIONAL_FIELDS if field in sent]
    if (param := parse_error(body).get("param")) in optional:
        return param
    said = re.sub(r"[^a-z]", "", body.lower())  # top_p, topP and `top-p` alike
    return next((field for field in optional if OPTIONAL_FIELDS[field] in said), None)


def sanitize_messages(messages: list[dict]) -> list[dict]:
    """The messages without our own sentences, and without fields that aren't OpenAI's.

    The model never said those; and vui's thoughts send each turn's time along (`ts`), which strict
    providers refuse.
    """
    kept = [{name: turn[name] for name in MESSAGE_FIELDS if name in turn} for turn in messages]
    for message in kept:
        if isinstance(content := message.get("content"), str):
            said = SPOKEN.sub("", content) if message.get("role") == "assistant" else content
            # Half a character, which a model or a tool may write, can't be sent.
            message["content"] = said.encode(errors="ignore").decode()
    return [message for message in kept if message.get("content") or message.get("tool_calls")]
