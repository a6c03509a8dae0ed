"""MiniMax: OpenAI's format, and failures with HTTP 200.

https://platform.minimax.io/docs/api-reference/text-chat-openai
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.providers.base import Refused, Script, Seen, sse
from tests.providers.openai import FIELDS, OpenAI

# https://platform.minimax.io/docs/api-reference/errorcode
CODES = {
    1000: "unknown error", 1001: "request timeout", 1002: "rate limit",
    1004: "login fail: Please carry the API secret key in the 'Authorization' field",
    1008: "insufficient balance", 1024: "internal error", 1026: "input new_sensitive",
    1027: "output new_sensitive", 1033: "downstream service error", 1039: "token limit",
    1041: "conn limit", 1042: "invisible character ratio limit", 2013: "invalid params",
    2045: "rate growth limit", 2049: "invalid api key", 2056: "usage limit exceeded",
    2061: "your current token plan not support model, MiniMax-M3",
}  # fmt: skip


class MiniMax(OpenAI):
    """M3 and M3.1; a script's `fault` may be one of `CODES`.

    https://dev.to/aihubmix/fixing-requires-adaptive-thinking-2013-when-moving-from-minimax-m27-to-m31-flash-1iif
    """

    fields = FIELDS | {"thinking", "reasoning_split"}

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        off = (body.get("thinking") or {}).get("type") == "disabled"
        if off and "M3.1" in body["model"]:
            raise Refused("requires adaptive thinking", code="2013")

    def thinks(self, body: dict) -> bool:
        if "M3.1" in body["model"]:
            return body.get("reasoning_effort") != "low"
        return (body.get("thinking") or {}).get("type") != "disabled"

    async def _respond(self, request: Request, seen: Seen, script: Script) -> Response:
        if script.fault not in CODES:
            return await super()._respond(request, seen, script)
        self.answered += 1
        failed = self.failed(int(script.fault or 0))
        if not seen.body.get("stream"):
            return JSONResponse(failed)
        # Without `[DONE]`, and in a stream's content type: https://github.com/QuantumNous/new-api,
        # relay/channel/minimax.
        return Response(sse(failed), media_type=self.media_type)

    def failed(self, code: int) -> dict:
        """What is an answer but for its choices."""
        return {
            "id": "06f9a053", "choices": None, "created": 1, "model": "MiniMax-M3",
            "object": "chat.completion", "usage": dict.fromkeys(super().usage(None), 0),
            "input_sensitive": False, "output_sensitive": False,
            "base_resp": {"status_code": code, "status_msg": CODES[code]},
        }  # fmt: skip

    def whole(self, body: dict, script: Script) -> dict:
        well = {"status_code": 0, "status_msg": ""}
        return {**super().whole(body, script), "input_sensitive": False, "base_resp": well}

    def frames(self, body: dict, script: Script) -> list[bytes]:
        """The last event is the whole reply, in a list of choices of its own kind."""
        *frames, done = super().frames(body, script)
        whole = {**self.whole(body, script), "choices": []}
        return [*frames, sse(whole), done]

    def error_frame(self, message: str) -> bytes:
        """A filter that strikes in mid-reply."""
        return sse({**self.failed(1027), "choices": []})
