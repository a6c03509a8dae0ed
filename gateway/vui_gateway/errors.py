"""Error codes and endings of attempts, with their words for the log and the page."""

from __future__ import annotations

import re
from enum import StrEnum
from http import HTTPStatus
from typing import Self

__all__ = [
    "Code",
    "Ending",
    "RequestError",
    "SettingError",
    "UserError",
    "page_sentence",
    "speakable",
]


class Code(StrEnum):
    """The `code` of an error, as a client gets it; docs/operations.md has the table.

    Attributes:
        status: the HTTP status, unless a provider has sent its own.
        log: the meaning, in the log's words; empty where the status says it all.
        page: the page's sentence about the model `{}`.
    """

    status: HTTPStatus
    log: str
    page: str

    def __new__(cls, value: str, status: int = 500, log: str = "", page: str = "") -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.status, code.log, code.page = HTTPStatus(status), log, page
        return code

    INVALID_KEY = "invalid_key", 401
    KEY_REVOKED = "key_revoked", 401, "", "The key of this call was taken back."
    INVALID_REQUEST = "invalid_request", 400
    REQUEST_TIMEOUT = "request_timeout", 408
    REQUEST_TOO_LARGE = "request_too_large", 413
    ROUTE_NOT_FOUND = "route_not_found", 404
    MODEL_NOT_SERVED = "model_not_served", 404
    TOO_MANY_CALLS = (
        "too_many_calls", 429, "",
        "Too many calls at once: this one was ended for a newer one.",
    )  # fmt: skip
    HEAD_START_REFUSED = "head_start_refused", 425
    BUDGET_EXCEEDED = "budget_exceeded", 402
    CLIENT_BUDGET_EXCEEDED = (
        "client_budget_exceeded", 402, "",
        "Today's budget of its key is spent: {} wasn't asked.",
    )  # fmt: skip
    PROVIDER_KEY_REFUSED = (
        "provider_key_refused", 401,
        "the provider refused its key",
        "{} refused its key.",
    )  # fmt: skip
    PROVIDER_QUOTA_EXCEEDED = (
        "provider_quota_exceeded", 402,
        "the quota or credit at the provider is used up",
        "The quota or credit of {} is used up.",
    )  # fmt: skip
    PROVIDER_RATE_LIMITED = (
        "provider_rate_limited", 429,
        "the provider wants fewer requests",
        "The provider of {} wants fewer requests.",
    )  # fmt: skip
    PROVIDER_MODEL_NOT_FOUND = (
        "provider_model_not_found", 404,
        "the provider, not the gateway, lacks this model",
        "The provider of {} doesn't have that model.",
    )  # fmt: skip
    MODEL_NOT_LOADED = (
        "model_not_loaded", 404,
        "its server hasn't loaded it",
        "The server of {} hasn't loaded it.",
    )  # fmt: skip
    PROVIDER_REFUSED_REQUEST = (
        "provider_refused_request", 422,
        "the provider refused the request",
        "{} refused the request.",
    )  # fmt: skip
    CONTEXT_WINDOW_EXCEEDED = (
        "context_window_exceeded", 400,
        "the conversation is longer than the model takes",
        "The conversation is longer than {} takes.",
    )  # fmt: skip
    CONTEXT_TOO_SMALL = (
        "context_too_small", 400,
        "the model's server holds fewer tokens than vui needs",
        "The context of {} is smaller than vui needs.",
    )  # fmt: skip
    EMPTY_ANSWER = (
        "empty_answer", 502,
        "its server ended the answer before the first word",
        "The server of {} ended the answer before the first word.",
    )  # fmt: skip
    PROVIDER_REFUSED_TOOLS = (
        "provider_refused_tools", 400,
        "it takes no tools",
        "{} takes no tools.",
    )  # fmt: skip
    MODEL_LOADING = (
        "model_loading", 503,
        "its server is still loading it",
        "The server of {} is still loading it.",
    )  # fmt: skip
    SERVER_UNREACHABLE = (
        "server_unreachable", 503,
        "its server can't be reached",
        "The server of {} can't be reached.",
    )  # fmt: skip
    CONTENT_POLICY_VIOLATION = (
        "content_policy_violation", 400,
        "the provider's filter refused the request or its answer",
        "The filter of {} refused the request or its answer.",
    )  # fmt: skip
    NO_ANSWER = "no_answer", 504


class Ending(StrEnum):
    """Why an attempt, or a call, is over; else it is an HTTP status or the name of an exception.

    Attributes:
        page: the page's sentence about the model `{}`.
    """

    page: str

    def __new__(cls, value: str, page: str = "") -> Self:
        ending = str.__new__(cls, value)
        ending._value_ = value
        ending.page = page
        return ending

    OK = "ok"
    HUNG_UP = "hung-up"
    HEDGED_LOST = "hedged-lost"
    NO_DEPLOYMENT = "no-deployment"
    NO_WORDS = "no-words", "{} said nothing in time."
    STALLED = "stalled", "{} fell silent in mid-reply."
    DRIBBLED = "dribbled", "{} spoke too slowly."
    ENDED_EARLY = "ended-early", "{} broke off in mid-reply."
    EMPTY = "empty", "{} gave an empty answer."
    FILTERED = "filtered", "The filter of {} ended its answer."
    FLOODED = "flooded", "{} sent an endless reply."
    NO_TOOLS = "no-tools", "{} takes no tools."
    LOADING = "loading", "{} was still being loaded."
    BUDGET = "budget", "Today's budget is spent: {} wasn't asked."
    HOOK = "hook", "A callback of litellm_config.yaml refused the request for {}."
    RATE_LIMITED = "429", "The provider of {} wants fewer requests."


def page_sentence(model: str, code: str, ended: str) -> str:
    """Why an attempt failed, in our words: a provider's own may quote what it was sent."""
    for kind, value in ((Code, code), (Ending, ended)):
        if value in kind and (sentence := kind(value).page):
            return sentence.format(model)
    return f"{model} answered with an error ({ended})."


class RequestError(Exception):
    """The request is answered with this message and `code`, and goes no further."""

    def __init__(self, message: str, code: Code = Code.INVALID_REQUEST) -> None:
        super().__init__(message)
        self.code, self.status = code, code.status


SENTENCE = re.compile(r"(?<=[.?!])\s+")
# Commands, addresses and paths are for the eye.
UNSPEAKABLE = re.compile(r"`|://|\S/\S")
SPOKEN_NAMES = {"litellm_config.yaml": "the model file", ".env": "the env file"}


class UserError(ValueError):
    """A file or a setting of the user's can't be used: said in the log, and spoken by the demo.

    The message names what is wrong and the cure; `spoken` is the same for the ear.
    """

    def __init__(self, message: str, spoken: str = "") -> None:
        super().__init__(message)
        self.spoken = speakable(spoken or message)


class SettingError(UserError):
    """A setting has a bad value; the message names it, what is wrong, and the cure."""


def speakable(text: str) -> str:
    """The sentences that can be read aloud, without quotes and underscores."""
    for name, said in SPOKEN_NAMES.items():
        text = re.sub(rf"(?<!\S){re.escape(name)}\b", said, text)
    kept = [sentence for sentence in SENTENCE.split(text) if not UNSPEAKABLE.search(sentence)]
    plain = re.sub(r"[\"()\[\]{}<>]|(?<!\w)'|'(?!\w)", "", " ".join(kept)).replace("_", " ")
    return plain[:1].upper() + plain[1:]
