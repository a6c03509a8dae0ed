"""Attacks on vui's own server: by another web page, and by another device."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import vui.serving.stream

from tests.support.harness import Program, Vui, free_port, http, vui_behind
from tests.support.poll import wait_until
from tests.support.report import attack

ROUTE = re.compile(r'add_(get|post)\(\s*"([^"]+)"')


@pytest.fixture(scope="module")
def vui_server(shared_gateway: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vui]:
    with vui_behind(shared_gateway, tmp_path_factory.mktemp("vui")) as running:
        yield running


def vui_routes() -> list[tuple[str, str]]:
    """Every route of vui's server: its method and its path."""
    folder = Path(vui.serving.stream.__path__[0])
    sources = "".join(path.read_text() for path in folder.rglob("*.py"))
    return sorted({(method.upper(), path) for method, path in ROUTE.findall(sources)})


async def statuses(base: str, method: str, path: str, *tried: dict[str, str]) -> set[int]:
    """How vui answers a request with each of these headers."""
    found = set()
    async with aiohttp.ClientSession(base) as session:
        for headers in tried:
            async with session.request(method, path, headers=headers, data=b"{}") as answer:
                found.add(answer.status)
    return found


def listening(port: int) -> set[str]:
    """The IPv4 addresses that this machine listens on, for a port; as /proc writes them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, taken in local if int(taken, 16) == port}


async def test_no_route_of_vuis_answers_a_foreign_name_or_origin(vui_server: Vui) -> None:
    routes, kind = vui_routes(), {"Content-Type": "application/json"}
    assert len(routes) > 35
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    hosts = ("evil.test", "0.0.0.0:8080", "127.0.0.1.evil.test")
    foreign = (
        {"Origin": "http://evil.test"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    )  # fmt: skip
    for method, path in routes:
        for sent, refused in (([{"Host": host} for host in hosts], 421), (foreign, 403)):
            tried = ({**kind, **more, **heads} for heads in sent for more in ({}, upgrade))
            assert await statuses(vui_server.url, method, path, *tried) == {refused}, path
    attack(
        f"each of vui's {len(routes)} routes, by a foreign Host, Origin or site",
        "answered",
        "refused (421, 403)",
    )


async def test_no_route_of_vuis_takes_a_body_that_a_page_may_send_unasked(vui_server: Vui) -> None:
    for method, path in vui_routes():
        if method == "POST":
            simple = (
                {"Content-Type": kind}
                for kind in ("text/plain", "application/x-www-form-urlencoded")
            )
            assert await statuses(vui_server.url, method, path, *simple) == {415}, path


def test_vui_listens_on_this_machine_only(vui_server: Vui) -> None:
    assert listening(int(vui_server.url.rsplit(":")[-1])) == {"0100007F"}
    attack("another device opens vui's page", "answered, without a password", "nobody listens")


def test_other_devices_get_in_by_https_and_with_the_token_only(
    shared_gateway: Program, tmp_path: Path
) -> None:
    env = {"VUI_LAN": "1", "VUI_TLS": "1", "VUI_HTTPS_PORT": str(port := free_port())}
    with vui_behind(shared_gateway, tmp_path, **env) as running:
        assert listening(int(running.url.rsplit(":")[-1])) == {"0100007F"}
        assert listening(port) == {"00000000"}
        wait_until(lambda: "token=" in running.program.log, 20, lambda: running.program.log)
        printed = re.findall(
            r"On other devices: (\S+)/\?token=(\S{43})$", running.program.log, re.M
        )
        assert printed
        assert not re.search(rf"^ +https://\S+:{port}$", running.program.log, re.M)
        assert http(f"{running.url}/state")[0] == 200  # this machine needs none
        ((host, token),) = {("192.168.1.5:8443", token) for _, token in printed}
        assert asks(port, host) == 403
        assert asks(port, host, f"/?token={token[:-1]}x") == 403
        assert asks(port, host, f"/?token={token}") == 303
        assert asks(port, host, Cookie=f"vui_token={token}") == 200
        assert asks(port, host, Cookie=f"vui_token={token}", Origin="https://evil.test") == 403
    attack(
        "with `VUI_LAN=1`, another device without the token",
        "answered, as any device",
        "refused (403), by https only",
    )


def test_without_vuis_tls_another_device_needs_the_token_too_whatever_it_calls_vui(
    shared_gateway: Program, tmp_path: Path
) -> None:
    with vui_behind(shared_gateway, tmp_path, VUI_LAN="1") as running:
        port = running.url.rsplit(":")[-1]
        assert listening(int(port)) == {"00000000"}
        printed = rf"On other devices: (http://[^/]+:{port})/\?token="
        addresses = re.findall(printed, running.program.log)
        assert addresses
        for address in addresses:
            if re.match(r"http://[\d.]+:", address):  # a host's name may be 127.0.1.1
                asked = urllib.request.Request(f"{address}/state", headers={"Host": "localhost"})
                with pytest.raises(urllib.error.HTTPError, match="403"):
                    urllib.request.urlopen(asked, timeout=30)


def asks(port: int, host: str, path: str = "/state", **headers: str) -> int:
    """The status for another device that calls vui by such a name."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    trusting = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}")
    for name, value in {"Host": host, **headers}.items():
        request.add_header(name, value)
    try:
        return urllib.request.build_opener(trusting, Stay).open(request, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    "name", ["../outside", "../../outside", "{folder}/outside", "*", "**/*", "[m]aeve", ".hidden",
             "a\x00b", "..", "a/../../outside", "..\\outside"],
)  # fmt: skip
async def test_no_voice_is_loaded_from_outside_of_vuis_prompts(vui_server: Vui, name: str) -> None:
    folder = vui_server.program.log_path.parent
    for ending in ("pt", "safetensors", "x.pt"):
        (folder / f"outside.{ending}").touch()
        (folder / "prompts" / f".hidden.{ending}").touch()
    name = name.replace("{folder}", str(folder))
    status, answer = http(f"{vui_server.url}/load-prompt", {"file": name})
    assert (status, answer["ok"]) == (400, False)
    async with (
        aiohttp.ClientSession(vui_server.url) as session,
        session.ws_connect("/v1/realtime") as realtime,
    ):
        await realtime.send_json({"type": "session.update", "session": {"voice": name}})
        told = [await realtime.receive_json(timeout=10) for _ in range(3)]
        assert "voice_not_found" in json.dumps(told)
    last = folder / "prompts" / ".last_prompt"
    assert not last.exists() or last.read_text() == "maeve"
    last.write_text(name)  # by an earlier vui
    assert http(f"{vui_server.url}/state")[1]["last_prompt"] == "maeve"
    last.unlink()


def test_a_voice_in_vuis_prompts_is_loaded(vui_server: Vui) -> None:
    for name in ("my voice", "Zoë (2)", "v1.2-b"):
        (vui_server.program.log_path.parent / "prompts" / f"{name}.safetensors").touch()
        assert http(f"{vui_server.url}/load-prompt", {"file": name})[1]["name"] == name
    attack(
        "`/load-prompt` and a realtime session name a voice `../outside`",
        "taken, for `torch.load` to unpickle",
        "refused (400)",
    )
