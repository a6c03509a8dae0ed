"""Errors that come with HTTP 200: as the whole body, or as an event of a stream."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from vui_gateway.providers.errors import BAD_KEY, FLAGGED, NO_MODEL, RATE_LIMIT
from vui_gateway.providers.odd_events import as_event, mended

__all__ = ["ErrorFinder", "ErrorObject", "error_object"]

# https://platform.minimax.io/docs/api-reference/errorcode; all come with HTTP 200 and null choices:
# https://github.com/QuantumNous/new-api. 2061 is a model that the plan lacks, 1033 a server behind.
MINIMAX_CODES = {
    1000: 500, 1001: 504, 1002: 429, 1004: 401, 1008: 402, 1013: 500, 1024: 500, 1026: 400,
    1027: 400, 1028: 402, 1030: 402, 1033: 502, 1039: 429, 1041: 429, 1042: 400, 2013: 400,
    2045: 429, 2049: 401, 2056: 402, 2061: 404, 2062: 429,
}  # fmt: skip
# Words for a code without a text.
MINIMAX_WORDS = {1026: "the input is sensitive", 1027: "the output is sensitive"}
# An answer of any format has one of these; an error has none.
ANSWER_FIELDS = (
    "choices",
    "candidates",
    "content",
    "output",
    "outputs",
    "result",
    "results",
    "delta",
)
CODES = ("code", "status_code", "error_code", "statusCode", "status")
# Codes and words of no error: it went well, or it is under way.
FINE = (
    "0", "200", "ok", "success", "successful", "succeeded", "true", "completed", "done", "queued",
    "pending", "processing", "in_progress", "running", "started",
)  # fmt: skip
ERROR_FIELDS = ("message", "msg", "error_msg", "status_msg", "error", "detail", "error_description")
# By the words of the code or the message, where no status is named.
STATUS_WORDS = (
    (429, re.compile(rf"{RATE_LIMIT.pattern}|throttl", re.IGNORECASE)),
    (
        401,
        re.compile(
            rf"{BAD_KEY.pattern}|invalid_?(?:api)?_?key|invalid (?:access )?token|login fail"
            r"|not authori[sz]ed|authenticat|unauthori[sz]ed"
            r"|(?:missing|provide|no)\b[^.]{0,20}api[_ -]?key|api[_ -]?key[^.]{0,10}not found",
            re.IGNORECASE,
        ),
    ),
    (404, re.compile(rf"{NO_MODEL.pattern}|model_not_found|\bnot ?found\b", re.IGNORECASE)),
    (403, re.compile(r"forbidden|permission|access ?denied", re.IGNORECASE)),
    (400, FLAGGED),
    (503, re.compile(r"overload|unavailable|too busy", re.IGNORECASE)),
    (422, re.compile(r"validation|invalid_?request|invalid_?param|bad_?request", re.IGNORECASE)),
)  # fmt: skip
MAX_EVENT = 16_384  # bytes: an error is short
CANDIDATE = re.compile(
    rb'"(?:error|errors|base_resp|detail|msg|message|error_msg)"\s*:|"object"\s*:\s*"error"'
)
DATA = re.compile(rb"data:|error:(?= ?\{)")  # llama.cpp's before 2025-09


class ErrorObject(NamedTuple):
    """An error in an answer.

    Attributes:
        status: the HTTP status that it should have had.
        error: in OpenAI's format.
    """

    status: int
    error: dict

    @property
    def body(self) -> bytes:
        """The body of such an answer."""
        return json.dumps({"error": self.error}).encode()

    @property
    def event(self) -> bytes:
        """The event of a stream; LiteLLM reads its code as a status."""
        return b"data: " + self.body + b"\n\n"


def error_object(answer: Any) -> ErrorObject | None:
    """The error that an answer is; None for an answer."""
    if isinstance(answer, list) and len(answer) == 1:  # Gemini's
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    if isinstance(base := answer.get("base_resp"), dict) and (code := _code(base)):
        number = _number(code)
        words = _words(base) or MINIMAX_WORDS.get(number, "unknown error")
        return _error(MINIMAX_CODES.get(number, 500), words, code, {})
    if any(answer.get(name) for name in ANSWER_FIELDS):
        return None
    inner = next((answer[name] for name in ("error", "errors") if answer.get(name)), None)
    if isinstance(inner, list):  # Cloudflare's
        inner = inner[0]
    if isinstance(inner, dict):
        return _from(inner, inner)
    if inner or answer.get("object") == "error" or answer.get("detail"):
        return _from(answer, {})
    words = _words(answer)
    fine = words.strip(" .!").lower() in FINE
    return _from(answer, {}) if _code(answer) and words and not fine else None


def _from(fields: dict, kept: dict) -> ErrorObject | None:
    code, words = _code(fields), _words(fields)
    if not (code or words):
        return None
    number = _number(code)
    if 400 <= number <= 599:
        return _error(number, words, number, kept)
    if isinstance(fields.get("detail"), list):  # FastAPI's, of a request that it can't read
        return _error(422, words, code, kept)
    kind = fields.get("type")
    said = f"{code} {kind if isinstance(kind, str) else ''} {words}"
    status = next((status for status, pattern in STATUS_WORDS if pattern.search(said)), 500)
    return _error(status, words, code, kept)


def _error(status: int, words: str, code: int | str, kept: dict) -> ErrorObject:
    """The error; a code that is no status is put into its words."""
    named = code and code != status and str(code) not in words
    message = f"{words} ({code})".strip() if named else words
    return ErrorObject(status, {"type": "error", **kept, "message": message, "code": status})


def _number(code: str) -> int:
    return int(code) if code.isdecimal() and len(code) < 6 else 0


def _code(fields: dict) -> str:
    """The code of an error; empty for none, and for one that says that all is well."""
    found = (fields.get(name) for name in CODES)
    code = next((one for one in found if one and isinstance(one, str | int)), "")
    return "" if str(code).lower() in FINE else str(code)


def _words(fields: dict) -> str:
    found = next((one for name in ERROR_FIELDS if (one := fields.get(name))), "")
    if isinstance(found, list):
        return json.dumps(found, ensure_ascii=False)
    return found if isinstance(found, str) else ""


class ErrorFinder:
    """Looks for errors in a body that comes in pieces, and mends events that LiteLLM can't read.

    Attributes:
        found: the last error.

    Args:
        streamed: events are expected; an error becomes one that LiteLLM reads.
    """

    def __init__(self, *, streamed: bool) -> None:
        self.found: ErrorObject | None = None
        self._streamed, self._held = streamed, b""
        self._json = True  # it may be one JSON value

    def feed(self, piece: bytes, *, final: bool = False) -> bytes:
        """The part of the body that goes on; text that may become an error is held back."""
        data, self._held = self._held + piece, b""
        self._json = self._json and data.lstrip()[:1] in (b"", b"{", b"[")
        if self._json and len(data) <= MAX_EVENT:
            line = data.lstrip().partition(b"\n")[0]
            if self._streamed and len(line) < len(data.lstrip()) and _is_json(line):
                self._json = False  # a value a line, such as Cohere's stream
                return self._looked_at(line, data)
            if not final:
                self._held = data
                return b""
            data = mended(data)
            return self._looked_at(data, data)
        self._json = False
        if not self._streamed:
            return data
        end = len(data) if final else data.rfind(b"\n") + 1
        if len(data) - end <= MAX_EVENT:
            self._held, data = data[end:], mended(data[:end])
        if not CANDIDATE.search(data):
            return data
        return b"".join(self._line(line) for line in data.splitlines(keepends=True))

    def _line(self, line: bytes) -> bytes:
        data = DATA.match(line)
        return self._looked_at(line[data.end() :], line) if data else line

    def _looked_at(self, text: bytes, instead: bytes) -> bytes:
        """The event or body of an error, the event of a whole answer; else what it stands in."""
        if len(text) > MAX_EVENT or not CANDIDATE.search(text):
            return instead
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return instead
        # Anthropic's and OpenAI's Responses have events of their own for it.
        own = self._streamed and isinstance(answer, dict) and answer.get("type") == "error"
        if own or not (error := error_object(answer)):
            return (self._streamed and as_event(answer)) or instead
        self.found = error
        return error.event if self._streamed else error.body


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
