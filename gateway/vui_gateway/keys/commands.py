"""`vui-gateway key add | list | revoke`: a key for each vui, which can be taken back."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime

from vui_gateway.keys.clients import CLIENT_NAME, CLIENTS, USED, Client
from vui_gateway.keys.owner import new_key
from vui_gateway.settings import SettingError, Settings
from vui_gateway.state.entries import State
from vui_gateway.state.files import Files
from vui_gateway.state.sync import Sync
from vui_gateway.turns.call import OWNER
from vui_gateway.usage.budget import Budget
from vui_gateway.usage.labels import PLAIN

__all__ = ["add_arguments", "run"]

TOGETHER = 10  # seconds in which two are made at once


def add_arguments(key: argparse.ArgumentParser) -> None:
    """The options of `vui-gateway key`."""
    actions = key.add_subparsers(dest="action")
    add = actions.add_parser("add", help="make a key for one vui, and show it this once")
    add.add_argument("name", help="such as kitchen")
    add.add_argument("--budget", help="US dollars per day (UTC), such as 0.50")
    add.add_argument("--models", help="the models that it may ask, such as vui,demo")
    add.add_argument("--calls", help="how many at once; vui makes two for a turn")
    actions.add_parser("list", help="list the keys, the last use of each, and what it spent")
    revoke = actions.add_parser("revoke", help="take a key back; it is refused within a second")
    revoke.add_argument("name")


def run(settings: Settings, given: argparse.Namespace) -> int:
    """Run one of these commands.

    Raises:
        SettingError: the client can't be added or isn't there, or Redis can't be reached.
    """
    commands = {"add": _add, "list": _list, "revoke": _revoke}

    async def act() -> None:
        files = Files(settings.key_file.parent, (CLIENTS,))
        if settings.redis_url:
            from vui_gateway.state.redis import connect

            state = State(OWNER)
            sync = Sync(state, connect(settings.redis_url, state.clock))
        else:
            state = State()
            sync = Sync(state, files)

        async def exchange() -> None:
            if not await sync.exchange():
                raise SettingError(f"{sync.store.name} can't be asked: {sync.away}.")

        with nullcontext() if settings.redis_url else files.alone():
            try:
                await exchange()
                await commands[given.action](state, given, exchange)
            finally:
                await sync.store.close()

    asyncio.run(act())
    return 0


Exchange = Callable[[], Awaitable[None]]


async def _add(state: State, given: argparse.Namespace, exchange: Exchange) -> None:
    key, digest = new_key()
    name = _checked(given.name)
    if name in _clients(state):
        raise SettingError(f"There is a key for {name}. Revoke it first, or choose another name.")
    client = Client(
        name=name,
        digest=digest,
        made=time.time(),
        budget=_number(given.budget, "--budget", "US dollars per day, such as 0.50", float, 0),
        calls=_number(given.calls, "--calls", "a whole number from 1", int, 1),
        models=_models(given.models),
    )
    state.put(CLIENTS, name, client.value(), _next_rank(state, name))
    await exchange()
    if _clients(state).get(name) != client:
        raise SettingError(f"Somebody else has just made a key for {name}. Use another name.")
    print(key)


async def _revoke(state: State, given: argparse.Namespace, exchange: Exchange) -> None:
    clients = _clients(state)
    if not (client := clients.get(given.name)):
        there = ", ".join(sorted(clients)) or "none"
        raise SettingError(f"There is no key for {given.name!r}. Existing keys: {there}.")
    revoked = client.model_copy(update={"revoked": time.time()})
    state.put(CLIENTS, client.name, revoked.value(), _next_rank(state, client.name))
    await exchange()
    if client.name in _clients(state):
        raise SettingError(f"The key for {client.name} is not taken back: try again.")


async def _list(state: State, _: argparse.Namespace, __: Exchange) -> None:
    budget = Budget(state)
    rows = [("name", "made", "last used", "spent today", "limits")]
    for name, client in sorted(_clients(state).items()):
        spent = f"{budget.today_of(name):.4f} USD"
        used = _when(state.rank(USED, name))
        rows.append((name, _when(client.made), used, spent, _limits(client)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _clients(state: State) -> dict[str, Client]:
    """The clients whose keys are good, by name."""
    found = [Client.read(name, value) for name, value in state.items(CLIENTS)]
    return {client.name: client for client in found if client and not client.revoked}


def _next_rank(state: State, name: str) -> float:
    """Higher than any rank that is known, or that an emptied Redis may have lost; the same for
    two keys that are made at once, so that the first one stands.
    """
    return max(state.rank(CLIENTS, name) + 1, state.clock() // TOGETHER * TOGETHER)


def _limits(client: Client) -> str:
    limits = [f"{client.budget:.2f} USD per day"] if client.budget is not None else []
    limits += [f"{client.calls} calls at once"] if client.calls else []
    return ", ".join([*limits, *client.models]) or "-"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") if at else "never"


def _checked(name: str) -> str:
    if not CLIENT_NAME.fullmatch(name):
        cure = "It is 1 to 32 of a-z, 0-9, - and _, and begins with a letter or a digit."
        raise SettingError(f"{name!r} can't be a client's name. {cure}")
    if name == OWNER:
        raise SettingError(f"{name} means the holder of VUI_LITELLM_KEY. Choose another name.")
    return name


def _number[T: (int, float)](
    text: str | None, option: str, cure: str, of: type[T], least: int
) -> T | None:
    if text is None:
        return None
    with suppress(ValueError):
        if least <= (number := of(text)) < 1e9:  # NaN isn't
            return number
    raise SettingError(f"{option} is {text!r}. Write {cure}.")


def _models(text: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    if text is not None and (not names or not all(map(PLAIN.fullmatch, names))):
        raise SettingError(f"--models is {text!r}. Write names of models, such as vui,demo.")
    return names
