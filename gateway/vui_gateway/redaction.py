"""Credentials in all that leaves the gateway: each is replaced by the name of its variable.

A provider may echo what it was sent, in an error, a reply or a header, and LiteLLM knows a key only
by its usual prefix. Here the values themselves are known.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from os.path import commonprefix
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RedactAnswers", "Redactor", "credentials", "redact"]

# Variables and settings whose value is a credential, and those of them that only sound like one.
CREDENTIAL = re.compile(
    r"key|token|secret|passw|credential|auth|organization|cookie|webhook|dsn|connection",
    re.I,
)
NO_CREDENTIAL = re.compile(
    r"(_file|_path|_dir|_sock|_version|_region|_name|_model|_type|tokenizer)$", re.I
)
# Settings that may name a variable which holds no credential.
PLAIN_PARAMS = re.compile(
    r"model|provider|version|region|base|url|host|project|location|response", re.I
)
# Settings whose fields are named by the user.
CARRIERS = re.compile(r"headers|extra_body|query", re.I)

LEAST = 8  # characters; a shorter value stands in any text
# Placeholders such as `not-needed`: replaced, they would spoil a reply that uses the word.
PLACEHOLDER = re.compile(r"[A-Z]?[a-z]+([ _-][A-Z]?[a-z]+)*|[A-Z_-]+|[0-9.-]+")
LEAST_PLACEHOLDER = 20
LEAST_PART = 16
SCHEMES = ("bearer", "basic", "token", "apikey", "api-key", "key")


class Redactor:
    """Replaces the credentials that it knows, in each way of writing them."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def configure(self, found: Iterable[tuple[str, str]]) -> None:
        """Take the names and values of credentials; those until now count once more, since calls
        that were sent with them may be under way.
        """
        before, self._now = self._now, {value: name for name, value in found if _is_safe(value)}
        names: dict[str, str] = {}
        for value, name in {**before, **self._now}.items():
            for spelling in _spellings(value):
                names.setdefault(spelling.lower(), f"${name}")
        self._names = names
        self._pattern = re.compile(_alternation(sorted(names))) if names else None

    def add(self, found: Iterable[tuple[str, str]]) -> None:
        """Take more of them, and keep all."""
        self.configure([*((name, value) for value, name in self._now.items()), *found])

    def __call__(self, text: str) -> str:
        """The text with names in place of values, whatever their case."""
        if self._pattern is None:
            return text
        lower = text.lower()
        if len(lower) != len(text):  # U+0130 becomes two
            lower = "".join(c.lower() if c.isascii() else c for c in text)
        parts, end = [], 0
        for match in self._pattern.finditer(lower):
            parts += [text[end : match.start()], self._names[match.group()]]
            end = match.end()
        return "".join([*parts, text[end:]]) if end else text


redact = Redactor()  # the process's: its log knows no other


def credentials(env: Mapping[str, str], config: Any = ()) -> list[tuple[str, str]]:
    """Names and values of the credentials in an environment and a configuration of LiteLLM's."""
    found = [pair for name, value in env.items() for pair in _in_string(value, name, _named(name))]
    found += [
        pair
        for name, value in env.items()
        if name.endswith("_HEADERS")  # OpenTelemetry's: name=value,name=value, as in an address
        for header in value.split(",")
        for given in re.split("[=:]", header, maxsplit=1)[-1:]
        for pair in _in_string(unquote(given.strip()), name, sure=True)
    ]
    found += _in_config(config, env)
    # `extra_body` may name models, too: one whose name is replaced can't be asked for any more.
    models = _models(config)
    return [(name, value) for name, value in found if not any(value.lower() in m for m in models)]


def _models(config: Any) -> list[str]:
    """The model names of the configuration, in lower case."""
    found: list[Any] = []
    for entry in dict(config).get("model_list") or ():
        params, info = entry["litellm_params"], entry.get("model_info") or {}
        found += [entry["model_name"], params.get("model"), info.get("base_model")]
    return [str(name).lower() for name in found]


def _named(name: str) -> bool:
    return bool(CREDENTIAL.search(name)) and not NO_CREDENTIAL.search(name)


def _in_config(
    value: Any, env: Mapping[str, str], name: str = "", carried: bool = False
) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            carries = carried or bool(CARRIERS.search(str(key)))
            yield from _in_config(item, env, str(key), carries)
    elif isinstance(value, list):
        for item in value:
            yield from _in_config(item, env, name, carried)
    elif isinstance(value, str) and value.startswith("os.environ/"):
        variable = value.removeprefix("os.environ/")
        value = env.get(variable, "")
        sure = "://" not in value and not PLAIN_PARAMS.search(name)
        yield from _in_string(value, variable, sure or _named(name))
    elif isinstance(value, str):
        yield from _in_string(value, name, _named(name) or (carried and _is_random(value)))


def _in_string(value: str, name: str, sure: bool) -> Iterator[tuple[str, str]]:
    """sure: the whole of it is a credential; else only what is one inside an address."""
    name = re.sub(r"\W", "_", name)
    if sure:
        yield name, value
        first, *rest = re.split(r"\s+|\\n", value)
        scheme = first.lower() in SCHEMES
        parts = rest if scheme else [first, *rest]
        for part in parts:
            if len(part) >= (LEAST if scheme else LEAST_PART):
                yield name, part
        if first.lower() == "basic" and rest:
            with suppress(ValueError):
                yield name, base64.b64decode(rest[0]).decode().partition(":")[2]
        with suppress(ValueError, AttributeError):  # a service account's file
            for key, item in json.loads(value).items():
                if isinstance(item, str) and key != value:
                    yield from _in_string(item, name, _named(key))
    if "://" in value:
        with suppress(ValueError):
            address = urlsplit(value)
            user, password = address.username or "", address.password or ""
            for part in (password, unquote(password), *([] if password else [user])):
                yield name, part
            for key, item in parse_qsl(address.query):
                if _named(key) or key == "sig" or _is_random(item):
                    yield name, item


def _is_random(value: str) -> bool:
    """Whether a value looks like a credential, whatever its name."""
    last = value.split()[-1] if value.split() else ""
    mixed = re.search("[0-9]", last) and re.search("[A-Za-z]", last)
    return len(last) >= LEAST_PART and bool(mixed) and "://" not in value


def _is_safe(value: str) -> bool:
    """Whether a value is long and odd enough to stand nowhere by chance."""
    least = LEAST_PLACEHOLDER if PLACEHOLDER.fullmatch(value) else LEAST
    return len(value) >= least and not value.startswith("os.environ/")


def _spellings(value: str) -> set[str]:
    """How a value may be written: raw, in JSON (twice: a tool's arguments are JSON in JSON), in an
    address, in HTML, in Python, in hexadecimal, and in base64, alone or as a part of more.
    """
    raw = value.encode(errors="surrogateescape")
    plain = {
        value, quote(raw, safe=""), quote(raw), quote_plus(raw), html.escape(value),
        repr(value)[1:-1], value.replace("/", "\\/"),
    }  # fmt: skip
    for _ in range(2):
        plain |= {json.dumps(v, ensure_ascii=a)[1:-1] for v in plain for a in (True, False)}
    coded = {raw.hex()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # bytes of whatever stands before it
            text = encode(bytes(before) + raw).decode()
            coded.add(text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6])
    return plain | coded


def _alternation(words: list[str]) -> str:
    """A regular expression for any of the sorted words; a common beginning is looked at once."""
    begin = commonprefix(words)  # noqa: RUF071  character by character
    rest = [word[len(begin) :] for word in words]
    groups = [list(group) for _, group in groupby(filter(None, rest), key=lambda word: word[0])]
    inner = "|".join(re.escape(g[0]) if len(g) == 1 else _alternation(g) for g in groups)
    optional = "?" if "" in rest else ""
    return re.escape(begin) + (f"(?:{inner}){optional}" if inner else "")


class RedactAnswers:
    """ASGI middleware: nothing that a client gets holds a credential."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: list[Message] = []

        async def redacted(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)  # its body's length may change
                return
            if message["type"] == "http.response.body":
                text = message.get("body", b"").decode(errors="surrogateescape")
                message = {**message, "body": redact(text).encode(errors="surrogateescape")}
            if start:
                await send(_redacted_start(start.pop(), message))
            await send(message)

        await self.app(scope, receive, redacted if scope["type"] == "http" else send)


def _redacted_start(start: Message, body: Message) -> Message:
    pairs = [(k, redact(v.decode("latin-1")).encode("latin-1")) for k, v in start["headers"]]
    headers = MutableHeaders(raw=pairs)
    if "content-length" in headers:
        del headers["content-length"]
        if not body.get("more_body"):
            headers["content-length"] = str(len(body.get("body", b"")))
    return {**start, "headers": headers.raw}
