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
from vui_gateway.config.defaults import DEFAULT_GROUP
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
    "cross-origin-opener-policy": "same-origin",
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
        return JSONResponse(_shown(self.reloader), headers=PRIVATE)


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _shown(reloader: Reloader) -> dict[str, Any]:
    status, models = reloader.status(), _models(reloader)
    names = ("session", "today", "budget", "cache", "error", "needs_restart")
    return {
        "now": time.time(),
        "vui": status.get("vui") or _vui(models),
        "models": models,
        "calls": reloader.in_force.usage.recent.as_dicts(),
        **{name: status[name] for name in names},
    }


def _models(reloader: Reloader) -> list[dict[str, Any]]:
    """Each deployment of the configuration, in the order in which its group asks."""
    config = reloader.config
    cooling = dict(reloader.in_force.cooldown)
    found = []
    for entry in sorted(config.model_list, key=_order):
        params, identity = entry["litellm_params"], entry["model_info"]["id"]
        seconds = cooling.get(identity)
        state: dict[str, Any] = {"state": "serving"}
        if seconds == math.inf:
            state = {"state": "key refused", "variable": config.key_variables[identity]}
        elif seconds:
            state = {"state": "cooling", "seconds": math.ceil(seconds)}
        found.append({"group": entry["model_name"], "model": params["model"], **state})
    missing = [
        {"group": out.model_name, "model": out.model, "state": "left out", "variable": out.variable}
        for out in config.left_out
    ]
    return found + missing


def _order(entry: dict) -> float:
    order = entry["litellm_params"].get("order")
    return math.inf if order is None else float(order)


def _vui(models: list[dict[str, Any]]) -> dict[str, str]:
    """Who would answer now, and why."""
    asked = [m for m in models if m["group"] == DEFAULT_GROUP and m["state"] != "left out"]
    well = [m for m in asked if m["state"] == "serving"]
    if not well:
        why = "All of its models are left alone for now; the next call tries them all the same."
        return {"model": "", "why": why}
    before = asked[: asked.index(well[0])]
    why = "It is the first of the group vui."
    if before:
        sick = ", ".join(dict.fromkeys(m["model"] for m in before))
        why = f"It stands in for {sick}."
    return {"model": well[0]["model"], "why": why}
