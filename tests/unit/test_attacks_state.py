"""What was found by attack in what gateways know together, and in the keys of clients."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vui_gateway.keys.clients import Client, Keys
from vui_gateway.keys.commands import run
from vui_gateway.keys.owner import new_key
from vui_gateway.settings import SettingError, Settings
from vui_gateway.state.entries import Entry, State
from vui_gateway.state.redis import RedisStore
from vui_gateway.state.sync import StoreAway, Sync

DIGEST = new_key()[1]


class Clock:
    now = 1_795_600_000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_put_a_million_times_is_kept_once() -> None:
    clock = Clock()
    state = State(clock=clock)
    for _ in range(1000):
        state.put("used", "kitchen", None, lifetime=1000)
        clock.now += 1
    assert len(state._expiries) == 1
    clock.now += 998
    state.expire()
    assert state.has("used", "kitchen")
    clock.now += 2
    state.expire()
    assert not state.has("used", "kitchen")
    assert not state._expiries


def test_what_ends_sooner_than_it_was_said_to_is_forgotten_in_time() -> None:
    clock = Clock()
    state = State(clock=clock)
    state.put("cooling", "a", None, lifetime=1000)
    state.put("cooling", "a", 0.0, lifetime=10)
    clock.now += 11
    state.expire()
    assert not state.has("cooling", "a")
    state.put("cooling", "a", None, lifetime=2000)
    clock.now += 1500
    state.expire()
    assert state.has("cooling", "a")


@pytest.mark.parametrize(
    "name", ["owner", "", "a\nb", "\x1b[2J", "{x}", "x" * 33, "Küche", "\ud800", "a b"]
)
def test_a_client_of_a_name_that_is_never_made_opens_nothing(name: str) -> None:
    key, digest = new_key()
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", name, {"digest": digest}, 1)
    assert keys.clients == []
    assert keys.find(f"Bearer {key}") is None


def test_a_clients_models_that_no_command_writes_open_nothing() -> None:
    state = State()
    keys = Keys("sk-owner-0123456789", state)
    state.put("clients", "x", {"digest": DIGEST, "models": ["a\x1b[2J"]}, 1)
    assert keys.clients == []


def exchanged(answer: Any) -> dict:
    async def script(*_: Any) -> Any:
        return answer

    script.close = None  # type: ignore[attr-defined]
    store = RedisStore(script, Clock())  # type: ignore[arg-type]
    return dict(asyncio.run(store.exchange({}, dict)))


@pytest.mark.parametrize(
    "answer", [None, 7, "OK", [], ["e", "1", "now", []], ["e", "1", "5", ["odd"]],
               ["e", "1", "5", [1, 2]], ["e", "1", "5", None]]
)  # fmt: skip
def test_an_answer_that_is_none_is_a_redis_that_is_away(answer: Any) -> None:
    with pytest.raises(StoreAway):
        exchanged(answer)


@pytest.mark.parametrize("rank", ["1e308", "-1", "4294967296"])
def test_a_rank_that_nothing_could_follow_is_nobodys(rank: str) -> None:
    good = {("cooling", "b"): Entry(5.0, None)}
    told = ["cooling a", f"{rank} 0 null", "cooling b", "5 0 null"]
    assert exchanged(["e", "1", "5", told]) == good


def command(folder: Path, *words: str) -> None:
    settings = Settings.load({"VUI_LITELLM_KEY_FILE": str(folder / "key")}, env_file=False)
    given = dict(zip(("action", "name"), words, strict=True))
    limits: dict[str, None] = dict.fromkeys(("budget", "models", "calls"))
    run(settings, argparse.Namespace(**given, **limits))


def test_a_file_of_keys_that_is_half_written_loses_no_other_key(tmp_path: Path) -> None:
    path = tmp_path / "clients.json"
    command(tmp_path, "add", "kitchen")
    path.write_text(half := path.read_text()[:-9])
    with pytest.raises(SettingError, match=r"clients.json can't be read .* Mend or remove it"):
        command(tmp_path, "add", "bath")
    assert path.read_text() == half


def test_a_key_that_is_not_taken_back_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, "add", "kitchen")
    put: Callable[..., None] = State.put

    def made_again(self: State, subject: str, name: str, value: Any, rank: float) -> None:
        put(self, subject, name, value, rank)
        put(self, subject, name, Client(name=name, digest=DIGEST).value(), rank + 1)

    monkeypatch.setattr(State, "put", made_again)
    with pytest.raises(SettingError, match="The key for kitchen is not taken back: try again"):
        command(tmp_path, "revoke", "kitchen")


class Flapping:
    """A store that is there every second time."""

    name, asked = "Redis", 0

    async def exchange(self, *_: Any) -> dict:
        self.asked += 1
        if self.asked % 2:
            raise StoreAway("busy")
        return {}


def test_a_store_that_comes_and_goes_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    clock, store = Clock(), Flapping()
    sync = Sync(State(clock=clock), store)  # type: ignore[arg-type]

    async def minute() -> None:
        for _ in range(60):
            await sync.exchange()
            clock.now += 0.9

    with caplog.at_level("INFO", "vui_gateway"):
        asyncio.run(minute())
        assert [r.message.split()[2] for r in caplog.records] == ["away", "back"]
        asyncio.run(minute())
    assert len(caplog.records) == 4


def test_a_store_that_stays_away_is_said_although_it_was_just_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, store = Clock(), Flapping()
    sync = Sync(State(clock=clock), store)  # type: ignore[arg-type]

    async def stays_away() -> None:
        await sync.exchange()
        await sync.exchange()
        caplog.clear()
        for _ in range(100):
            store.asked = 0
            await sync.exchange()
            clock.now += 1

    asyncio.run(stays_away())
    assert len(caplog.records) == 1
