"""vui's page without a browser: a WebSocket and a WebRTC call with a silent microphone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from tests.support.harness import Vui, http
from tests.support.poll import until


class Page:
    """What the page has been told, in order."""

    def __init__(self, vui: Vui, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.vui = vui
        self.ws = ws
        self.events: list[dict] = []

    async def listen(self) -> None:
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.events.append(message.json())

    async def wait_for(
        self, kind: str, accept: Callable[[dict], Any] = lambda _: True, seconds: float = 20
    ) -> dict:
        """The first event of a kind (from now on or already there) that is accepted."""

        def found() -> dict | None:
            told = (event for event in self.events if event.get("type") == kind)
            return next((event for event in told if accept(event)), None)

        return await until(found, seconds, lambda: f"the event {kind!r} among {self.events}")

    def replies(self) -> list[str]:
        return [event["text"] for event in self.events if event.get("type") == "reply"]

    async def hear(self, text: str) -> None:
        """The user says something."""
        await asyncio.to_thread(self.vui.hear, text)

    async def recognise(self, *messages: dict) -> None:
        """Messages of the recognition worker, as they are."""
        await asyncio.to_thread(http, f"{self.vui.control}/asr", list(messages))

    async def say(self, text: str, seconds: float = 20) -> list[str]:
        """The user says something; returns the sentences of the reply once it is over."""
        self.events.clear()
        await self.hear(text)
        # A rewind of the voice is reported as a finished turn too: the reply's comes after it.
        await self.wait_for("reply", seconds=seconds)

        def over() -> bool:
            turns = [e["type"] for e in self.events if e["type"] in ("reply", "turn_done")]
            return turns[-1] == "turn_done"

        await until(over, seconds, lambda: f"the end of the reply among {self.events}")
        return self.replies()


@asynccontextmanager
async def open_page(vui: Vui) -> AsyncIterator[Page]:
    """Connect as the page does, and wait until the user may speak."""
    peer = RTCPeerConnection()
    async with (
        aiohttp.ClientSession(vui.url) as session,
        session.ws_connect("/ws?cid=test") as ws,
    ):
        page = Page(vui, ws)
        listener = asyncio.create_task(page.listen())
        try:
            peer.addTrack(AudioStreamTrack())
            await peer.setLocalDescription(await peer.createOffer())
            offer = {"sdp": peer.localDescription.sdp, "type": peer.localDescription.type}
            async with session.post("/offer", json=offer) as response:
                await peer.setRemoteDescription(RTCSessionDescription(**await response.json()))
            await page.recognise({"type": "vad_audio_ready"})
            await page.wait_for("workers_ready")
            await page.wait_for("reply")  # the greeting
            await asyncio.sleep(0.3)  # and its sound
            page.events.clear()
            yield page
        finally:
            listener.cancel()
            await peer.close()
