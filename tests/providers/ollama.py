"""Ollama's own chat format: https://github.com/ollama/ollama/blob/main/docs/api.md"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn

FIELDS = frozenset(
    "model messages tools think format options stream keep_alive truncate shift logprobs "
    "top_logprobs".split()
)
LEVELS = ("low", "medium", "high", "max")
COUNTS = {"prompt_eval_count": 1200, "eval_count": 12, "total_duration": 1, "eval_duration": 1}


class Ollama(StandIn):
    """A thinking model on Ollama: it thinks unless `think` is false.

    https://docs.ollama.com/capabilities/thinking
    """

    media_type = "application/x-ndjson"

    def check(self, request: Request, body: dict) -> None:
        if request.url.path != "/api/chat":
            raise Refused("404 page not found", 404)
        for name in sorted(set(body) - FIELDS):
            raise Refused(f"unknown field {name}")
        think = body.get("think")
        if isinstance(think, str) and think not in LEVELS:
            raise Refused(
                f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)'
            )
        for message in body.get("messages") or []:
            if message.get("role") not in ("system", "user", "assistant", "tool"):
                raise Refused(f"invalid role {message.get('role')}")
            if not isinstance(message.get("content", ""), str):
                raise Refused("json: cannot unmarshal array into field .messages.content", 400)

    def stops(self, body: dict) -> list[str]:
        return (body.get("options") or {}).get("stop") or []

    def knob(self, body: dict, name: str) -> float | None:
        return (body.get("options") or {}).get(name)

    def is_stream(self, request: Request, body: dict) -> bool:
        return body.get("stream", True)

    def optional(self, body: dict) -> list[str]:
        return [name for name in ("think",) if name in body]

    def refusal(self, name: str) -> str:
        return '"qwen3.5:4b" does not support thinking'

    def thinks(self, body: dict) -> bool:
        return body.get("think") is not False

    def frames(self, body: dict, script: Script) -> list[bytes]:
        out = []
        if self.thinks(body):
            out += [
                self._line(body, {"role": "assistant", "content": "", "thinking": f"{word} "})
                for word in script.reasoning.split()
            ]
        if body.get("tools"):
            out.append(self._line(body, self._message(body, script)))
        else:
            out += [
                self._line(body, {"role": "assistant", "content": piece}) for piece in script.cut()
            ]
        end = {"role": "assistant", "content": ""}
        return [*out, self._line(body, end, done=True, done_reason="stop", **COUNTS)]

    def whole(self, body: dict, script: Script) -> dict:
        line = self._line(
            body, self._message(body, script), done=True, done_reason="stop", **COUNTS
        )
        return json.loads(line)

    def _message(self, body: dict, script: Script) -> dict:
        if not body.get("tools"):
            return {"role": "assistant", "content": script.text}
        arguments = script.parsed()
        call = {"function": {"name": script.tool, "arguments": arguments}}
        return {"role": "assistant", "content": "", "tool_calls": [call]}

    def _line(self, body: dict, message: dict, done: bool = False, **more: Any) -> bytes:
        line = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "message": message}
        text = json.dumps({**line, "done": done, **more}, ensure_ascii=False)
        return (text + "\n").encode()

    def error(self, message: str, status: int, **_: Any) -> dict:
        return {"error": message}

    def error_frame(self, message: str) -> bytes:
        # https://github.com/ollama/ollama/blob/main/docs/api/errors.mdx: in the stream, as a line
        return json.dumps({"error": message}).encode() + b"\n"


class OllamaGptOss(Ollama):
    """gpt-oss on Ollama thinks whatever it is told, and least with `low`.

    https://github.com/ollama/ollama/issues/11751, https://github.com/BerriAI/litellm/issues/34574
    """

    def thinks(self, body: dict) -> bool:
        return body.get("think") != "low"
