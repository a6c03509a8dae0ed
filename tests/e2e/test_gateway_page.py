"""The gateway's page, as the stack publishes it."""

from __future__ import annotations

import urllib.request

import pytest

from tests.support.harness import http
from tests.support.stack import Stack

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]


def test_the_printed_address_is_the_published_one_and_opens_the_page(full_stack: Stack) -> None:
    told = full_stack.compose("exec", "-T", "gateway", "vui-gateway", "page").stdout.strip()
    address, token = told.split("/#")
    assert address == full_stack.url
    with urllib.request.urlopen(f"{address}/", timeout=10) as page:
        assert b"<title>vui gateway</title>" in page.read()
    status, opened = http(f"{address}/page/session", key=token, method="POST")
    assert status == 200
    status, shown = http(f"{address}/status", key=opened["session"])
    assert (status, shown["asked"]["model"]) == (200, "openai/vui")
    assert http(f"{address}/status", key=token)[0] == 401
