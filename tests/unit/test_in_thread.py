"""A constructor that may block runs in a thread of its own, and may use the running loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from vui_gateway.litellm_proxy import in_thread as module
from vui_gateway.litellm_proxy.in_thread import in_thread


async def test_the_loop_goes_on_while_it_is_made() -> None:
    until = threading.Event()

    def make() -> str:
        until.wait(5)
        return threading.current_thread().name

    asyncio.get_running_loop().call_later(0.01, until.set)
    assert await in_thread(make) == "callbacks"


async def test_its_tasks_run_in_the_loop() -> None:
    ran = asyncio.Event()

    async def tick() -> None:
        ran.set()

    def make() -> Any:
        asyncio.create_task(tick())  # noqa: RUF006
        return asyncio.get_running_loop().time()

    assert await in_thread(make) > 0
    async with asyncio.timeout(5):
        await ran.wait()


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError("the disk is gone"), "the disk is gone"), (SystemExit(3), "3"),
     (KeyError(), "KeyError")],
)  # fmt: skip
async def test_whatever_it_raises_is_an_error_with_its_words(
    error: BaseException, said: str
) -> None:
    def make() -> None:
        raise error

    with pytest.raises(RuntimeError, match=f"^{said}$"):
        await in_thread(make)


async def test_one_that_hangs_is_given_up_and_what_it_returns_later_is_nobodys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.05)
    until = threading.Event()
    with pytest.raises(TimeoutError):
        await in_thread(lambda: until.wait(5))
    until.set()
    await asyncio.sleep(0.02)
