"""Who may use vui's server."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from vui_litellm.guard import COOKIE, GUARD_HEADERS, guard

TOKEN = "t" * 43
ME = "127.0.0.1:8080"


async def answer(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade"):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        return socket
    return web.Response(text="hello")


def client(token: str | None = None) -> TestClient:
    app = web.Application(middlewares=[guard(token, {"/form"})])
    for path in ("/", "/json", "/form"):
        app.router.add_route("*", path, answer)
    return TestClient(TestServer(app))


async def status(
    token: str | None = None, method: str = "GET", path: str = "/", **sent: Any
) -> int:
    async with client(token) as asked:
        headers = {"Host": ME, **sent.pop("headers", {})}
        response = await asked.request(
            method, path, headers=headers, allow_redirects=False, **sent
        )  # fmt: skip
        return response.status


@pytest.mark.parametrize("host", [ME, "localhost:8080", "LOCALHOST", "[::1]:8443", "127.1.2.3"])
async def test_this_machine_is_known_by_names_that_no_name_server_gives(host: str) -> None:
    assert await status(headers={"Host": host}) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:8080", "127.0.0.1.evil.test", "localhost.evil.test", "localhost.",
     "0.0.0.0:8080", "192.168.1.5:8080", "a@localhost", "localhost:8080@evil.test", "[::]", "",
     "localhost:8080, evil.test", "127.0.0.1:", "0x7f000001", "2130706433"],
)  # fmt: skip
async def test_any_other_name_is_misdirected(host: str) -> None:
    assert await status(headers={"Host": host}) == 421


@pytest.mark.parametrize(
    ("hosts", "refused"), [([], 421), (["evil.test", ME], 400), ([ME, "evil.test"], 400)]
)
async def test_a_request_without_one_clear_name_is_refused(hosts: list[str], refused: int) -> None:
    async with client() as asked:
        reader, writer = await asyncio.open_connection("127.0.0.1", asked.port)
        lines = ["GET / HTTP/1.0", *(f"Host: {host}" for host in hosts), "", ""]
        writer.write("\r\n".join(lines).encode())
        assert int((await reader.readline()).split()[1]) in (refused, 421)
        writer.close()


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_whom_a_proxy_speaks_for_is_not_this_machine(name: str) -> None:
    assert await status(headers={name: "for=203.0.113.7"}) == 421
    assert await status(TOKEN, headers={name: "for=203.0.113.7"}) == 403
    assert await status(TOKEN, headers={name: "203.0.113.7"}, cookies={COOKIE: TOKEN}) == 200


async def test_a_token_that_nobody_was_given_opens_nothing() -> None:
    for token in ("", "None", TOKEN):
        headers = {"Host": "evil.test", "Authorization": f"Bearer {token}"}
        assert await status(headers=headers, cookies={COOKIE: token}) == 421


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "http://127.0.0.1:3000", "http://127.0.0.1", "http://localhost:8080",
     "null", "", "chrome-extension://abc", f"http://evil.test, http://{ME}", f"ftp://{ME}",
     f"http://{ME}/", f"http://{ME}.evil.test"],
)  # fmt: skip
async def test_another_origin_is_refused_whatever_it_asks(method: str, origin: str) -> None:
    assert await status(method=method, headers={"Origin": origin}) == 403


@pytest.mark.parametrize("origin", [f"http://{ME}", f"https://{ME}", f"HTTP://{ME}"])
async def test_vuis_own_page_is_answered(origin: str) -> None:
    for site in ("same-origin", "cross-site"):  # of a websocket browsers disagree
        headers = {"Origin": origin, "Sec-Fetch-Site": site}
        assert await status(headers=headers) == 200
        assert await status(method="POST", path="/json", json={}, headers=headers) == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "else"])
async def test_what_another_site_fetches_without_an_origin_is_refused(site: str) -> None:
    for method, path, dest in (
        ("GET", "/json", "empty"), ("GET", "/", "iframe"), ("GET", "/", "image"),
        ("GET", "/json", "document"), ("POST", "/", "document"),
    ):  # fmt: skip
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": dest}
        assert await status(method=method, path=path, headers=headers) == 403
    assert await status(headers={"Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}) == 200


async def test_a_websocket_is_opened_by_vuis_page_and_by_programs_only() -> None:
    async with client() as asked:
        own = f"http://127.0.0.1:{asked.port}"
        for origin in (own, None):
            async with asked.ws_connect("/", origin=origin) as socket:
                assert await socket.receive_str() == "hello"
        refused = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://evil.test"}
        response = await asked.get("/", headers=refused)
        assert response.status == 403


async def test_a_body_is_what_its_route_takes() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/octet-stream"):
        for path in ("/json", "/form"):
            typed = {"Content-Type": kind}
            assert await status(method="POST", path=path, data=b"{}", headers=typed) == 415
    form = FormData({"audio": "x"}, default_to_multipart=True)
    assert await status(method="POST", path="/form", data=form) == 200
    form = FormData({"audio": "x"}, default_to_multipart=True)
    assert await status(method="POST", path="/json", data=form) == 415
    assert await status(method="POST", path="/json") == 200  # without a body


async def test_an_answer_is_not_framed_nor_taken_for_another_type() -> None:
    async with client() as asked:
        response = await asked.get("/", headers={"Host": ME})
        assert GUARD_HEADERS.items() <= response.headers.items()


# ---- with a token


async def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get() -> None:
    async with client(TOKEN) as asked:
        for host in ("192.168.1.5:8443", ME):
            response = await asked.get(
                f"/?token={TOKEN}", headers={"Host": host}, allow_redirects=False
            )
            assert (response.status, response.headers["Location"]) == (303, "/")
            (cookie,) = response.headers.getall("Set-Cookie")
            assert cookie.startswith(f"{COOKIE}={TOKEN};")
            assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))


@pytest.mark.parametrize("host", ["192.168.1.5:8443", "my-vui.local", "evil.test"])
async def test_another_device_needs_the_token(host: str) -> None:
    short = TOKEN[:-1]
    assert await status(TOKEN, headers={"Host": host}) == 403
    assert await status(TOKEN, path=f"/?token={short}", headers={"Host": host}) == 403
    assert await status(TOKEN, path="/?token=", headers={"Host": host}) == 403
    assert await status(TOKEN, path=f"/json?token={TOKEN}", headers={"Host": host}) == 403
    for wrong in ("", short, TOKEN + "t", "é"):
        assert await status(TOKEN, headers={"Host": host, "Cookie": f"{COOKIE}={wrong}"}) == 403
    assert await status(TOKEN, headers={"Host": host, "Cookie": f"{COOKIE}={TOKEN}"}) == 200
    assert await status(TOKEN, headers={"Host": host, "Authorization": f"Bearer {TOKEN}"}) == 200


async def test_the_token_does_not_let_another_origin_in() -> None:
    cookie = {"Host": "192.168.1.5:8443", "Cookie": f"{COOKIE}={TOKEN}"}
    for origin in ("https://evil.test", "https://192.168.1.5:9000", "null"):
        assert await status(TOKEN, headers={**cookie, "Origin": origin}) == 403
    assert await status(TOKEN, headers={**cookie, "Origin": "https://192.168.1.5:8443"}) == 200


@pytest.mark.parametrize(("peer", "let_in"), [("127.0.0.1", True), ("192.168.1.7", False)])
async def test_another_device_that_calls_this_machine_localhost_needs_the_token_too(
    peer: str, let_in: bool
) -> None:
    transport = Mock()
    transport.get_extra_info.side_effect = {"peername": (peer, 50000)}.get
    request = make_mocked_request("GET", "/", {"Host": "localhost:8443"}, transport=transport)
    check: Any = guard(TOKEN, ())
    if let_in:
        assert (await check(request, answer)).status == 200
    else:
        with pytest.raises(web.HTTPForbidden):
            await check(request, answer)
