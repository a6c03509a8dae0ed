"""The page at `/`: one HTML file without data, and the routes of its session and its data."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vui_gateway.api.errors import KEY_REFUSED_MESSAGE
from vui_gateway.apply import InForce
from vui_gateway.config.default_group import DEFAULT_GROUP
from vui_gateway.errors import Code, RequestError
from vui_gateway.keys.clients import THE_OWNER, Keys, bearer
from vui_gateway.keys.page_tokens import PAGE_ADDRESS, SESSION, SESSION_SECONDS, is_good, sign
from vui_gateway.reload import Reloader
from vui_gateway.status import Status

__all__ = ["Page"]

ADDRESS_REFUSED = (
    "This address is too old, or the key is wrong: "
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


PAGE_HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
PAGE_HEADERS = {
    **PRIVATE,
    "content-security-policy": _policy(PAGE_HTML),
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Page:
    """The page's routes.

    Attributes:
        reloader: the source of the data; None until a configuration is in force.

    Args:
        keys: those in force.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.reloader: Reloader | None = None

    async def html(self, _: Request) -> Response:
        """The HTML file, which needs no key and holds no data."""
        return Response(PAGE_HTML, media_type="text/html", headers=PAGE_HEADERS)

    async def session(self, request: Request) -> Response:
        """The session that a browser keeps instead of a printed address or the key."""
        if not self._opens(request, PAGE_ADDRESS):
            raise RequestError(ADDRESS_REFUSED, Code.INVALID_KEY)
        session = sign(self._keys.owner, SESSION, SESSION_SECONDS)
        return JSONResponse({"session": session}, headers=PRIVATE)

    async def status(self, request: Request) -> Response:
        """All that the page shows."""
        if not self._opens(request, SESSION):
            raise RequestError(KEY_REFUSED_MESSAGE, Code.INVALID_KEY)
        if self.reloader is None:
            warming_up = {"status": "warming up"}
            return JSONResponse(warming_up, HTTPStatus.SERVICE_UNAVAILABLE, PRIVATE)
        status, parts = self.reloader.status(), self.reloader.in_force
        shown = status.model_dump() | {
            "asked": await _asked(status, parts),
            "recent": parts.usage.recent.as_dicts(),
        }
        return JSONResponse(shown, headers=PRIVATE)

    def _opens(self, request: Request, purpose: str) -> bool:
        authorization = request.headers.get("authorization", "")
        is_owner = self._keys.find(authorization) is THE_OWNER
        return is_owner or is_good(bearer(authorization), self._keys.owner, purpose)


async def _asked(status: Status, parts: InForce) -> dict[str, str]:
    """The model that a call for `vui` would ask now, and why."""
    ids = parts.router.ids(DEFAULT_GROUP)  # of another group, where `vui` is an alias
    own = [model for model in status.models if model.id in ids]
    well = next((model for model in own if model.state == "serving"), None)
    before = own[: own.index(well)] if well else own
    names = ", ".join(dict.fromkeys(model.model for model in before))
    why = f"It answers in place of {names}." if before else status.vui
    if well:
        return {"model": well.model, "why": why}
    # A fallback of another group, an alias, or a sick one.
    found = await parts.candidates.next([DEFAULT_GROUP], [])
    if found is None or found.id in ids:
        why = "All of its models failed a moment ago; the next call asks them again."
    return {"model": found.model if found else "", "why": why}
