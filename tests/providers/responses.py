"""OpenAI's Responses format: https://platform.openai.com/docs/api-reference/responses/create

LiteLLM asks it for `openai/responses/…`, and for GPT-5.4 and later where tools and an effort meet.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn, sse
from tests.providers.cache import Block, Prompt
from tests.providers.openai_like import GPT56, ReasoningNone

FIELDS = frozenset(
    "background context_management conversation include input instructions max_output_tokens "
    "max_tool_calls metadata model parallel_tool_calls previous_response_id prompt "
    "prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier "
    "service_tier store stream stream_options temperature text tool_choice tools top_logprobs "
    "top_p truncation user".split()
)
EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")
PARTS = {"assistant": ("output_text", "refusal")}
INPUT_PARTS = ("input_text", "input_image", "input_file")
USAGE = {
    "input_tokens": 1200, "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 12, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1212,
}  # fmt: skip


class Responses(StandIn):
    """GPT-5.6 behind `/v1/responses`."""

    breaks = ("content_filter",)

    def check(self, request: Request, body: dict) -> None:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise Refused("You didn't provide an API key.", 401, code="invalid_api_key")
        if request.url.path != "/v1/responses":
            raise Refused(f"Invalid URL ({request.method} {request.url.path})", 404)
        self.check_body(body)

    def check_body(self, body: dict) -> None:
        # Neither stops nor penalties are among them.
        for name in sorted(set(body) - FIELDS):
            raise Refused(f"Unknown parameter: '{name}'.", code="unknown_parameter")
        if body.get("max_output_tokens") is not None and body["max_output_tokens"] < 16:
            raise Refused("Invalid 'max_output_tokens': integer below minimum value.")
        self.check_input(body.get("input"))
        for index, tool in enumerate(body.get("tools") or []):
            if tool.get("type") == "function" and not tool.get("name"):
                raise Refused(f"Missing required parameter: 'tools[{index}].name'.")
        if self.effort(body) not in (None, *EFFORTS):
            raise Refused(f"Unsupported value: 'reasoning.effort' is '{self.effort(body)}'.")
        # https://platform.openai.com/docs/guides/latest-model: with `none` only
        for name in ("temperature", "top_p"):
            if body.get(name) is not None and self.effort(body) != "none":
                raise Refused(f"Unsupported parameter: '{name}' is not supported with this model.")

    def check_input(self, items: Any) -> None:
        if not items:
            raise Refused("Missing required parameter: 'input'.")
        for index, item in enumerate(items if isinstance(items, list) else []):
            if item.get("type", "message") != "message":
                continue
            role = item.get("role")
            if role not in ("system", "developer", "user", "assistant"):
                raise Refused(f"Invalid value: '{role}' for input[{index}].role.")
            parts = item.get("content")
            for part in parts if isinstance(parts, list) else []:
                if part.get("type") not in PARTS.get(role, INPUT_PARTS):
                    raise Refused(f"Invalid value: '{part.get('type')}' for input[{index}].")

    def optional(self, body: dict) -> list[str]:
        return [name for name in ("reasoning", "prompt_cache_key") if name in body]

    def prompt(self, request: Request, body: dict) -> Prompt:
        items = body["input"] if isinstance(body["input"], list) else [body["input"]]
        tools = [Block(json.dumps(tool)) for tool in body.get("tools") or []]
        instructions = [Block(body["instructions"])] if body.get("instructions") else []
        return Prompt(tools, instructions, [Block(json.dumps(item)) for item in items])

    def effort(self, body: dict) -> str | None:
        return (body.get("reasoning") or {}).get("effort")

    def thinks(self, body: dict) -> bool:
        return self.effort(body) != "none"

    def frames(self, body: dict, script: Script) -> list[bytes]:
        """https://platform.openai.com/docs/api-reference/responses-streaming"""
        numbers = iter(range(1_000_000))

        def event(kind: str, **data: Any) -> bytes:
            return sse({"type": kind, "sequence_number": next(numbers), **data}, kind)

        begun = self._response(body, "in_progress", [])
        out = [event("response.created", response=begun)]
        out.append(event("response.in_progress", response=begun))
        items = self._items(body, script)
        for index, item in enumerate(items):
            at = {"item_id": item["id"], "output_index": index}
            empty: dict = {"arguments": ""} if "arguments" in item else {"content": []}
            added = {**item, **empty}
            if item["type"] == "reasoning":
                added = {**item, "summary": []}
            out.append(event("response.output_item.added", output_index=index, item=added))
            if item["type"] == "reasoning":
                for word in script.reasoning.split():
                    kind = "response.reasoning_summary_text.delta"
                    out.append(event(kind, **at, summary_index=0, delta=f"{word} "))
            elif item["type"] == "function_call":
                kind = "response.function_call_arguments"
                if script.arguments:
                    out.append(event(f"{kind}.delta", **at, delta=script.arguments))
                out.append(event(f"{kind}.done", **at, arguments=script.arguments))
            else:
                for piece in script.cut():
                    kind = "response.output_text.delta"
                    out.append(event(kind, **at, content_index=0, delta=piece))
            out.append(event("response.output_item.done", output_index=index, item=item))
        status = "incomplete" if script.finish else "completed"
        ended = self._response(body, status, items, script.finish)
        return [*out, event(f"response.{status}", response=ended)]

    def whole(self, body: dict, script: Script) -> dict:
        return self._response(body, "completed", self._items(body, script))

    def _items(self, body: dict, script: Script) -> list[dict]:
        items: list[dict] = []
        if self.thinks(body) and script.reasoning:
            summary = [{"type": "summary_text", "text": script.reasoning}]
            items.append({"type": "reasoning", "id": "rs_1", "summary": summary})
        if body.get("tools"):
            call = {"call_id": "call_1", "name": script.tool, "arguments": script.arguments}
            return [*items, {"type": "function_call", "id": "fc_1", "status": "completed", **call}]
        part = {"type": "output_text", "text": "".join(script.cut()), "annotations": []}
        message = {"id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        return [*items, {"type": "message", **message}]

    def _response(self, body: dict, status: str, output: list, why: str | None = None) -> dict:
        return {
            "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
            "incomplete_details": {"reason": why} if why else None, "model": body.get("model", ""),
            "output": output, "parallel_tool_calls": True, "tool_choice": "auto",
            "tools": body.get("tools") or [], "temperature": 1.0, "top_p": 1.0,
            "usage": None if status == "in_progress" else USAGE,
        }  # fmt: skip

    def error(self, message: str, status: int, code: str | None = None, **_: Any) -> dict:
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error_frame(self, message: str) -> bytes:
        error = {"code": "server_error", "message": message}
        failed = {**self._response({}, "failed", []), "error": error}
        return sse({"type": "response.failed", "sequence_number": 99, "response": failed})


class GPT54Thoughts(ReasoningNone):
    """GPT-5.4 behind both addresses: tools and an effort are for `/v1/responses`."""

    def __init__(self) -> None:
        super().__init__()
        self.responses = Responses()

    def check(self, request: Request, body: dict) -> None:
        if "input" in body:
            self.responses.check(request, body)
        else:
            super().check(request, body)

    def prompt(self, request: Request, body: dict) -> Prompt:
        if "input" in body:
            return self.responses.prompt(request, body)
        return super().prompt(request, body)

    def thinks(self, body: dict) -> bool:
        if "input" in body:
            return self.responses.thinks(body)
        return super().thinks(body)

    def frames(self, body: dict, script: Script) -> list[bytes]:
        if "input" in body:
            return self.responses.frames(body, script)
        return super().frames(body, script)

    def whole(self, body: dict, script: Script) -> dict:
        if "input" in body:
            return self.responses.whole(body, script)
        return super().whole(body, script)


class GPT56Thoughts(GPT54Thoughts, GPT56):
    """GPT-5.6 behind both."""
