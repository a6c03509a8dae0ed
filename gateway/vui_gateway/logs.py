"""The log: a time on each line, no credentials, one line for a library's traceback."""

from __future__ import annotations

import io
import logging
import re
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from typing import TextIO
from zoneinfo import ZoneInfo

from vui_gateway.redaction import redact
from vui_gateway.settings import Settings

__all__ = [
    "LogStream", "adopt", "configure", "make_handler", "quiet", "set_up", "stamp", "summary",
    "words",
]  # fmt: skip

OWN_LOGGER = "vui_gateway"

MAX_RECORD = 20_000  # characters of one piece of the log: a traceback, and a provider's message
MAX_REASON = 200  # of an error's message
MAX_FOREIGN = 300  # of a line that isn't ours
REPEAT = 60.0  # seconds in which a library says the same thing once
# Characters that move the cursor, end a line, or reverse the direction of text.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_is_quiet = ContextVar("is_quiet", default=False)
_zone: tzinfo | None = None  # the machine's own; a container's is UTC


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the log of libraries meanwhile; the caller logs their error."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def stamp() -> str:
    """The time, as each line begins with it: the user's, or UTC with a Z."""
    now = datetime.now(UTC).astimezone(_zone)
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")


def summary(error: BaseException) -> str:
    """An error and its place, in one line."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    where = f" ({at.tb_frame.f_code.co_filename}:{at.tb_lineno})" if at else ""
    return f"{type(error).__name__}: {words(error, MAX_FOREIGN)}{where}"


def words(error: BaseException, most: int = MAX_REASON) -> str:
    """An error's message in one line, of so many characters at the most."""
    # Redacted before it is cut: redaction doesn't know half a credential.
    return redact(" ".join(str(error).split()))[:most]


class LogStream(io.TextIOWrapper):
    """A text stream whose every write is redacted, bounded, and one record: the text behind a
    newline in it is indented, so that no text from outside makes a line of its own.
    """

    _begun = False  # a line

    def write(self, text: str) -> int:
        clean = redact(text)
        if len(clean) > MAX_RECORD:
            clean = f"{clean[: MAX_RECORD // 2]} … {clean[-MAX_RECORD // 2 :]}"
        clean = CONTROL.sub(lambda c: c.group().encode("unicode_escape").decode(), clean)
        begin, more = f"{stamp()} ", clean.startswith("\n")
        lines = list(filter(None, clean.split("\n")))
        if lines and self._begun:
            begin = f"\n{begin}  " if more else ""
        elif more:
            begin += "  "
        ends = clean.endswith("\n") and (lines or self._begun)
        super().write((begin if lines else "") + f"\n{stamp()}   ".join(lines) + "\n" * bool(ends))
        self._begun = bool(lines or self._begun) and not ends
        return len(text)


class _Format(logging.Formatter):
    """Our lines as they are; a library's record in one line, with the error and its place."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == OWN_LOGGER or _filter.debug:
            return super().format(record)
        said = (record.getMessage().strip().splitlines() or [""])[0]
        error = record.exc_info[1] if record.exc_info else None
        if error:
            said = f"{said}: {summary(error)}"
        said = redact(said)
        cut = said if len(said) <= MAX_FOREIGN else f"{said[:MAX_FOREIGN]}…"
        return f"{record.name}: {cut}"


class _Filter(logging.Filter):
    """Unless VUI_LITELLM_LOG=debug: drops libraries' records about a call (we log our own line),
    records that no user can act on, and repeats.
    """

    debug = False
    of_calls: Collection[str] = ()  # loggers whose records about calls repeat our own line
    in_call: Callable[[], bool] = staticmethod(lambda: False)
    idle: tuple[str, ...] = ()  # beginnings of messages that help nobody here

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if self.debug or record.name == OWN_LOGGER:
            return True
        if _is_quiet.get():
            return False
        if record.name in self.of_calls and self.in_call():
            return False
        if record.getMessage().startswith(self.idle):
            return False
        place, now = (record.pathname, record.lineno), time.monotonic()
        again = now - self._said.get(place, -REPEAT) < REPEAT
        if not again:
            self._said[place] = now
        return not again


class _Exporters(logging.Handler):
    """One sentence, until the next edit, for all that OpenTelemetry's exporters say."""

    said = False

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and not self.said:
            self.said = True
            why = redact(" ".join(record.getMessage().split()))[:MAX_REASON]
            text = (
                "Traces or metrics don't reach their collector (%s): calls go on without them. "
                "Check OTEL_EXPORTER_OTLP_ENDPOINT in .env."
            )
            logging.getLogger(OWN_LOGGER).warning(text, why)


_filter, _exporters = _Filter(), _Exporters()
_adopted: list[logging.Logger] = []


def set_up() -> None:
    """Send all output and log records of this process, libraries' too, through one format."""

    def wrapped(stream: TextIO) -> TextIO:
        return LogStream(stream.buffer, "utf-8", "backslashreplace", line_buffering=True)

    sys.stdout, sys.stderr = wrapped(sys.stdout), wrapped(sys.stderr)
    logging.basicConfig(handlers=[make_handler()], level=logging.WARNING)
    logging.getLogger(OWN_LOGGER).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    exporters = logging.getLogger("opentelemetry")
    exporters.handlers, exporters.propagate = [_exporters], False


def make_handler(stream: TextIO | None = None) -> logging.Handler:
    """A handler that writes records to a stream, by default stderr."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Format())
    handler.addFilter(_filter)
    return handler


def adopt(
    names: Collection[str],
    of_calls: Collection[str],
    in_call: Callable[[], bool],
    idle: tuple[str, ...],
) -> None:
    """Use our handler for a library's loggers, which have their own.

    of_calls: loggers whose records about a call are dropped while `in_call`: our line has it all.
    idle: beginnings of messages that help nobody here.
    """
    _filter.of_calls, _filter.in_call, _filter.idle = of_calls, in_call, idle
    _adopted[:] = map(logging.getLogger, names)
    for logger in _adopted:
        logger.handlers.clear()
    _set_levels()


def configure(settings: Settings) -> None:
    """Take the level and the time zone of `.env`."""
    global _zone
    _filter.debug, _exporters.said = settings.log == "debug", False
    _zone = _find_zone(settings.env.get("TZ", ""))
    _set_levels()


def _set_levels() -> None:
    for logger in _adopted:
        logger.setLevel(logging.DEBUG if _filter.debug else logging.WARNING)
    # Python's warnings are for the authors of the code.
    unheard = logging.WARNING if _filter.debug else logging.ERROR
    logging.getLogger("py.warnings").setLevel(unheard)


def _find_zone(name: str) -> tzinfo | None:
    """The zone of that name; None when there is none."""
    try:
        return ZoneInfo(name.removeprefix(":"))
    except (OSError, ValueError, KeyError):  # its errors for a folder, a path, and no zone
        return None
