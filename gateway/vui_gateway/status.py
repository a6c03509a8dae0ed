"""The gateway's status: made here, shown by the page, and by `vui-gateway status` from a file."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from vui_gateway.config.left_out import by_reason

if TYPE_CHECKING:
    from vui_gateway.apply import InForce
    from vui_gateway.config.file import Config

__all__ = ["HeadStarts", "Model", "Spender", "Status", "lines", "make"]


class Model(BaseModel):
    """A deployment.

    Attributes:
        id: LiteLLM's; empty where it isn't served.
        seconds: that it is still left alone. variable: of its refused or lacking key.
        local: it is on the user's own machine, or in the same network.
    """

    group: str
    model: str
    id: str = ""
    state: Literal["serving", "cooling", "key refused", "left out"] = "serving"
    seconds: float = 0.0
    variable: str = ""
    local: bool = False


class Session(BaseModel):
    """Sums since the start."""

    calls: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0


class Cache(BaseModel):
    """Today's input tokens, those from prompt caches, and the US dollars saved by them."""

    tokens_in: float = 0.0
    tokens_cached: float = 0.0
    saved: float = 0.0


class HeadStarts(BaseModel):
    """Today's head starts: all, those that were used, and US dollars for the others."""

    started: float = 0.0
    used: float = 0.0
    unused_usd: float = 0.0


class Spender(BaseModel):
    """A client, and its US dollars of today."""

    name: str
    today: float
    budget: float | None


class Status(BaseModel):
    """The configuration in force, failures and spending; no word of a conversation.

    Attributes:
        at, since: wall clock: of this status, and of the configuration.
        vui: the sentence about the model group `vui`. silent: its deployments have failed lately.
        models: in the order in which their group asks them; those that are left out at the end.
        left_out, warnings: a line each.
        refused: where a refused key is → the models that use it.
        error: of the files; edited: since the start.
        running, limit: calls at once.
        away: why the shared state can't be reached.
    """

    at: float = 0.0
    since: float = 0.0
    served: list[str] = []
    vui: str = ""
    silent: bool = False
    models: list[Model] = []
    left_out: list[str] = []
    warnings: list[str] = []
    needs_restart: list[str] = []
    refused: dict[str, list[str]] = {}
    error: str | None = None
    edited: bool = False
    running: int = 0
    limit: float = 0.0
    session: Session = Session()
    today: float = 0.0
    budget: float | None = None
    cache: Cache = Cache()
    head_starts: HeadStarts = HeadStarts()
    clients: list[Spender] = []
    away: str = ""


def make(
    parts: InForce,
    config: Config,
    *,
    since: float,
    error: str | None,
    edited: bool,
    needs_restart: list[str],
    warnings: list[str],
    away: str,
) -> Status:
    """The status of now."""
    budget, ahead = parts.usage.budget, parts.usage.head_starts.today
    return Status(
        at=time.time(),
        since=since,
        served=parts.router.model_groups,
        vui=parts.vui(config),
        silent=parts.silent,
        models=[*_served(parts, config), *_left_out(config)],
        left_out=by_reason(config.left_out),
        warnings=warnings,
        needs_restart=needs_restart,
        refused=parts.refused(config),
        error=error,
        edited=edited,
        running=len(parts.admission.running),
        limit=parts.admission.limit,
        session=Session.model_validate(parts.usage.session),
        today=budget.today,
        budget=budget.limit,
        cache=Cache.model_validate(budget.cache),
        head_starts=HeadStarts.model_validate(ahead, from_attributes=True),
        clients=[
            Spender(name=one.name, today=budget.today_of(one.name), budget=one.budget)
            for one in parts.keys.clients
        ],
        away=away,
    )


def _served(parts: InForce, config: Config) -> Iterator[Model]:
    cooling, refused = dict(parts.cooldown), parts.cooldown.refused
    for entry in sorted(config.model_list, key=_order):
        identity = entry["model_info"]["id"]
        name, params = entry["model_name"], entry["litellm_params"]
        local = parts.router.servers.is_local(identity)
        model = Model(group=name, model=params["model"], id=identity, local=local)
        seconds = cooling.get(identity, 0.0)
        if identity in refused:
            model.state, model.variable = "key refused", config.key_variables[identity]
        elif seconds:
            model.state, model.seconds = "cooling", math.ceil(seconds)
        yield model


def _left_out(config: Config) -> Iterator[Model]:
    for one in config.left_out:
        group, model = one.model_name, one.model
        yield Model(group=group, model=model, state="left out", variable=one.variable)


def _order(entry: dict) -> float:
    order = entry["litellm_params"].get("order")
    return math.inf if order is None else float(order)


def lines(status: Status) -> Iterator[str]:
    """The lines for a terminal: models in force and failures come first."""
    now = time.time()
    yield f"In force for {now - status.since:.0f} s: {', '.join(status.served)}"
    yield status.vui
    if status.error:
        what = "The last edit was refused" if status.edited else "The files can't be used"
        yield f"{what}: {status.error}"
    for place, models in status.refused.items():
        yield f"{place} is refused by {', '.join(models)}: put a valid one there."
    if own := dict.fromkeys(model.model for model in status.models if model.local):
        yield f"On your own machine: {', '.join(own)}."
    cooling = {
        m.model: m.seconds - (now - status.at) for m in status.models if m.state == "cooling"
    }
    for model, left in cooling.items():
        if left > 0:
            yield f"{model} is cooling down for {left:.0f} s."
    if status.away:
        yield f"{status.away} This gateway continues with its own data."
    yield f"Calls at once: {status.running} of {status.limit:g}."
    sums = status.session
    yield (
        f"Since the start: {sums.calls} calls, {sums.failed} failed, {sums.tokens_in} "
        f"tokens in, {sums.tokens_out} out, {sums.usd:.4f} USD."
    )
    yield f"Today (UTC): {_of(status.today, status.budget)}"
    for client in status.clients:
        yield f"{client.name}: {_of(client.today, client.budget)}"
    if (cache := status.cache).tokens_cached:
        yield (
            f"{cache.tokens_cached / cache.tokens_in:.0%} of today's input came from caches, "
            f"{cache.saved:.4f} of {status.today + cache.saved:.4f} USD saved."
        )
    if (ahead := status.head_starts).started:
        yield (
            f"Head starts: {ahead.used:.0f} of {ahead.started:.0f} used, "
            f"{ahead.unused_usd:.4f} USD unused today."
        )
    yield from status.left_out
    yield from status.warnings
    for name in status.needs_restart:
        yield f"{name} is not in force yet: docker compose restart gateway"


def _of(spent: float, budget: float | None) -> str:
    return f"{spent:.4f}{'' if budget is None else f' of {budget:.2f}'} USD."
