"""The page at `/`: one HTML file that holds no data, and the one route that it asks for them."""

from __future__ import annotations

import math
import re
import time
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vui_gateway.api.errors import KEY_REFUSED, RequestError
from vui_gateway.api.sessions import TOKEN_SECONDS, Sessions
from vui_gateway.config.default_group import DEFAULT_GROUP
from vui_gateway.config.reload import Reloader

__all__ = ["Page"]

REFUSED = (
    "This address was used before, or is too old, or the key is wrong: "
    "`docker compose exec gateway vui-gateway page` prints a new address."
)
PRIVATE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _policy(html: str) -> str:
    """https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy"""

    def hashes(tag: str) -> str:
        texts = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digests = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {hashes('script')}",
            f"style-src {hashes('style')}",
            "connect-src 'self'",
            "img-src data:",  # its icon
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
HEADERS = {
    **PRIVATE,
    "content-security-policy": _policy(HTML),
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Page:
    """The page's routes; `reloader` is what it shows, once a configuration is in force."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.reloader: Reloader | None = None

    async def html(self, _: Request) -> Response:
        """The same for everybody: it needs no key, and tells nothing."""
        return Response(HTML, media_type="text/html", headers=HEADERS)

    async def token(self, request: Request) -> Response:
        """What `vui-gateway page` prints behind the address."""
        if not self.sessions.is_owner(_authorization(request)):
            raise RequestError(KEY_REFUSED, "invalid_key", HTTPStatus.UNAUTHORIZED)
        told = {"token": self.sessions.token(), "seconds": TOKEN_SECONDS}
        return JSONResponse(told, headers=PRIVATE)

    async def session(self, request: Request) -> Response:
        """For a token or the key: what the browser keeps instead of either."""
        session = self.sessions.exchange(_authorization(request))
        if not session:
            raise RequestError(REFUSED, "invalid_key", HTTPStatus.UNAUTHORIZED)
        return JSONResponse({"session": session}, headers=PRIVATE)

    async def status(self, request: Request) -> Response:
        """All that the page shows."""
        if not self.sessions.accepts(_authorization(request)):
            raise RequestError(KEY_REFUSED, "invalid_key", HTTPStatus.UNAUTHORIZED)
        if self.reloader is None:
            warming_up = {"status": "warming up"}
            return JSONResponse(warming_up, HTTPStatus.SERVICE_UNAVAILABLE, PRIVATE)
        return JSONResponse(await _shown(self.reloader), headers=PRIVATE)


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


async def _shown(reloader: Reloader) -> dict[str, Any]:
    status, served = reloader.status(), _served(reloader)
    names = ("session", "today", "budget", "cache", "error", "edited", "needs_restart")
    missing = [
        {"group": out.model_name, "model": out.model, "state": "left out", "variable": out.variable}
        for out in reloader.config.left_out
    ]
    return {
        "now": time.time(),
        "vui": await _vui(reloader, served, status["vui"]),
        "models": [*served.values(), *missing],
        "calls": reloader.in_force.usage.recent.as_dicts(),
        **{name: status[name] for name in names},
    }


def _served(reloader: Reloader) -> dict[str, dict[str, Any]]:
    """Each deployment by its id, in the order in which its group asks."""
    config = reloader.config
    cooling = dict(reloader.in_force.cooldown)
    found = {}
    for entry in sorted(config.model_list, key=_order):
        identity = entry["model_info"]["id"]
        seconds = cooling.get(identity)
        state: dict[str, Any] = {"state": "serving"}
        if seconds == math.inf:
            state = {"state": "key refused", "variable": config.key_variables[identity]}
        elif seconds:
            state = {"state": "cooling", "seconds": math.ceil(seconds)}
        names = {"group": entry["model_name"], "model": entry["litellm_params"]["model"]}
        found[identity] = {**names, **state}
    return found


def _order(entry: dict) -> float:
    order = entry["litellm_params"].get("order")
    return math.inf if order is None else float(order)


async def _vui(reloader: Reloader, served: dict[str, dict[str, Any]], note: str) -> dict[str, str]:
    """Who would be asked now, and why; note: who is, as long as all are well."""
    of_group = frozenset(reloader.in_force.router.ids(DEFAULT_GROUP))
    ids = [identity for identity in served if identity in of_group]
    well = [identity for identity in ids if served[identity]["state"] == "serving"]
    before = ids[: ids.index(well[0])] if well else ids
    names = ", ".join(dict.fromkeys(served[identity]["model"] for identity in before))
    why = f"It stands in for {names}." if before else note
    if well:
        return {"model": served[well[0]]["model"], "why": why}
    # A fallback of another group, or a sick one.
    found = await reloader.in_force.candidates.next(DEFAULT_GROUP, [])
    if found is None or found.id in of_group:
        why = "All of its models are left alone for now; the next call tries them all the same."
    return {"model": found.model if found else "", "why": why}
