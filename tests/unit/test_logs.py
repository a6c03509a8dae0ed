"""The log: each line has a time, no text from outside makes a line, libraries say one line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from vui_gateway import logs
from vui_gateway.logs import LogStream
from vui_gateway.redaction import redact
from vui_gateway.settings import SettingError, Settings

from tests.support.logs import lines_of, times_of

KEY = "sk-proj-4fQ9/+xZ=abcDEF0123456789"
CALLS = "a library's calls"


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    """What the log's stream has written; one key is known."""
    redact.configure([("K", KEY)])
    yield io.BytesIO()
    for _ in range(2):
        redact.configure([])
    logs.configure(Settings.load({}))


def stream(out: io.BytesIO) -> LogStream:
    return LogStream(out, "utf-8", line_buffering=True)


def library(out: io.BytesIO, name: str = "a library", level: str = "") -> logging.Logger:
    """Its logger, as the gateway takes it over."""
    logs.configure(Settings.load({"VUI_LITELLM_LOG": level}))
    logger = logging.getLogger(name)
    logger.propagate = False
    logs.adopt([name], of_calls=[CALLS], in_call=lambda: True, idle=("nothing can",))
    logger.addHandler(logs.make_handler(stream(out)))
    logs._filter._said.clear()
    return logger


def test_a_record_is_one_line_and_what_belongs_to_it(out: io.BytesIO) -> None:
    log = stream(out)
    log.write(f"it said {KEY}\nReady at 1\r\x1b[2J\u202e\n")
    log.write("Traceback:\n  line 1\n")
    log.write("x" * 50_000 + "\n")
    lines = lines_of(out.getvalue().decode())
    assert lines[:2] == ["it said $K", r"  Ready at 1\r\x1b[2J\u202e"]
    assert lines[2:4] == ["Traceback:", "    line 1"]
    assert len(lines[4]) < 21_000


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (("one", " ", "two", "\n"), ["one two"]),  # as `print` writes
        (("one\n\n\ntwo\n",), ["one", "  two"]),
        (("\nforged\n",), ["  forged"]),
        (("one", "\nforged", "\n"), ["one", "  forged"]),
        (("one\n", "\n", "", "two\n"), ["one", "two"]),
        (("one", "\n\n", "two\n"), ["one", "two"]),
    ],
)
def test_every_line_has_a_time_however_it_is_written(
    out: io.BytesIO, pieces: tuple[str, ...], lines: list[str]
) -> None:
    log = stream(out)
    for piece in pieces:
        assert log.write(piece) == len(piece)
    assert lines_of(out.getvalue().decode()) == lines


@pytest.mark.parametrize("zone", ["Asia/Kolkata", ":Asia/Kolkata", "UTC", "", "No/Where", "../x"])
def test_the_time_is_the_users_with_its_distance_from_utc(out: io.BytesIO, zone: str) -> None:
    logs.configure(Settings.load({"TZ": zone}))
    log = stream(out)
    log.write("x\n")
    (told,) = times_of(out.getvalue().decode())
    machines = datetime.now().astimezone().isoformat()[-6:].replace("+00:00", "Z")
    known = {"Asia/Kolkata": "+05:30", "UTC": "Z"}
    assert told.endswith(known.get(zone.lstrip(":"), machines))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(told)).total_seconds()) < 5


def test_a_library_says_one_line_without_a_traceback(out: io.BytesIO) -> None:
    logger = library(out)
    try:
        raise ValueError(f"the key is {KEY}\nforged")
    except ValueError:
        logger.exception("It failed\nTraceback (most recent call last):\n  File …")
    (line,) = lines_of(out.getvalue().decode())
    assert line.startswith("a library: It failed: ValueError: the key is $K forged (")
    assert f"{__file__}:" in line


def test_a_credential_is_replaced_before_a_line_is_cut(out: io.BytesIO) -> None:
    logger = library(out)
    for begin in range(logs.MAX_FOREIGN - len(KEY), logs.MAX_FOREIGN + 1):
        logs._filter._said.clear()
        logger.error("x" * begin + KEY)
    assert KEY[:8] not in out.getvalue().decode()


def test_what_is_of_no_use_is_not_said_and_nothing_is_said_again_and_again(
    out: io.BytesIO,
) -> None:
    logger = library(out)
    for _ in range(3):
        logger.warning("The callback %s is away", "x")
    logger.warning("nothing can be done about this")
    logger.info("just so")
    library(out, CALLS).error("the call failed")
    assert lines_of(out.getvalue().decode()) == ["a library: The callback x is away"]


def test_what_a_library_says_while_its_error_is_ours_to_say_is_dropped(out: io.BytesIO) -> None:
    log = library(out)
    with logs.quiet():
        log.warning("a callback can't start")
        logging.getLogger("vui_gateway").warning("ours")
    log.warning("a callback has lost its server")
    assert [line.split()[-1] for line in lines_of(out.getvalue().decode())] == ["server"]


def test_debug_brings_all_back(out: io.BytesIO) -> None:
    logger = library(out, CALLS, "Debug")
    try:
        raise ValueError("so")
    except ValueError:
        logger.exception("It failed")
    logger.debug("nothing can be done about this")
    lines = lines_of(out.getvalue().decode())
    assert lines[:2] == ["It failed", "  Traceback (most recent call last):"]
    assert lines[-1] == "nothing can be done about this"


def test_a_level_that_is_none_is_refused_with_its_cure() -> None:
    with pytest.raises(SettingError, match=r"^VUI_LITELLM_LOG is 'loud'\. Use info or debug\.$"):
        Settings.load({"VUI_LITELLM_LOG": "loud"})


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"VUI_GATEWAY_HOST": "127.0.0.1"}, "http://127.0.0.1:1234"),
        ({"VUI_GATEWAY_HOST": "10.0.0.5"}, "http://10.0.0.5:1234"),
        ({"VUI_GATEWAY_HOST": "::1"}, "http://[::1]:1234"),
        ({}, "http://127.0.0.1:1234"),
        ({"VUI_GATEWAY_PUBLISHED_PORT": "4100"}, "http://127.0.0.1:4100"),
    ],
)
def test_ready_names_the_address_that_can_be_opened(settings: dict[str, str], address: str) -> None:
    assert Settings.load(settings).address(1234) == address
