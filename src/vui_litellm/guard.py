"""Access to vui's server: its own page, programs on this machine, holders of the token."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Container

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

__all__ = ["COOKIE", "GUARD_HEADERS", "guard"]

COOKIE = "vui_token"
# Names that need no name server: another name for this machine may be a page's that rebinds it.
LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)
# A proxy on this machine may speak for anybody, and call vui by the address that it asks.
PROXIED = frozenset({"Forwarded", "X-Forwarded-For", "X-Real-IP"})
# A frame would lend vui's page, and the clicks on it, to the page around it.
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/frame-ancestors
GUARD_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
UNKNOWN_HOST = "vui answers as localhost only. VUI_LAN=1 lets other devices in.\n"
FOREIGN = "vui answers its own page only.\n"
STRANGER = "Open the address with the token that vui printed when it started.\n"
JSON, FORM = "application/json", "multipart/form-data"


def guard(token: str | None, forms: Container[str]) -> Middleware:
    """An aiohttp middleware that answers vui's own page and programs on this machine.

    token: lets in anybody who brings it: in the address, which becomes a cookie, or as a bearer.
    forms: the paths whose body is multipart; any other path's is JSON.

    Answers 421 to a name that isn't this machine's, 403 to another origin or without the token,
    415 to a body of another type.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token and request.path == "/" and _same(request.query.get("token"), token):
            return _remember(request, token)
        _check_sender(request, token)
        _check_origin(request)
        _check_body(request, forms)
        response = await handler(request)
        if not response.prepared:  # a websocket's headers have gone
            response.headers.update(GUARD_HEADERS)
        return response

    return check


def _check_sender(request: web.Request, token: str | None) -> None:
    # With the token any name will do: a browser keeps the cookie for the name that it got it from.
    direct = _is_loopback(request.remote) and not any(map(request.headers.get, PROXIED))
    if direct and LOOPBACK.fullmatch(_host(request)):
        return
    if not token:
        raise web.HTTPMisdirectedRequest(text=UNKNOWN_HOST)
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not (_same(request.cookies.get(COOKIE), token) or _same(bearer, token)):
        raise web.HTTPForbidden(text=STRANGER)


def _check_origin(request: web.Request) -> None:
    """Refuse requests that another page has made a browser send; programs name no origin.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Origin: with every websocket
    and every POST; https://developer.mozilla.org/en-US/docs/Glossary/Fetch_metadata_request_header:
    with everything, over https and to localhost.
    """
    host = _host(request).lower()
    own, origins = {f"http://{host}", f"https://{host}"}, request.headers.getall("Origin", ())
    if not own.issuperset(map(str.lower, origins)):
        raise web.HTTPForbidden(text=FOREIGN)
    fetched = request.headers.get
    if not origins and fetched("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        link = request.method == "GET" and request.path == "/"
        if not (link and fetched("Sec-Fetch-Dest") == "document"):
            raise web.HTTPForbidden(text=FOREIGN)


def _check_body(request: web.Request, forms: Container[str]) -> None:
    accepted = (JSON, FORM) if request.path in forms else (JSON,)
    if request.body_exists and request.content_type not in accepted:
        raise web.HTTPUnsupportedMediaType(text=f"The body isn't {' or '.join(accepted)}.\n")


def _remember(request: web.Request, token: str) -> web.Response:
    """The token as a cookie, and an address without it."""
    away = {"Location": "/", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    response = web.Response(status=303, headers=away)
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.secure)
    return response


def _host(request: web.Request) -> str:
    hosts = request.headers.getall("Host", ())
    return hosts[0] if len(hosts) == 1 else ""


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _same(given: str | None, token: str) -> bool:
    return secrets.compare_digest((given or "").encode(errors="replace"), token.encode())
