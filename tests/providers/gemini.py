"""Google's generateContent format: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request

from tests.providers.base import Refused, Script, StandIn, sse
from tests.providers.cache import Bill, Block, Prompt, Rule

FIELDS = frozenset(
    "contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent "
    "model serviceTier store system_instruction tool_config".split()
)
GENERATION = frozenset(
    "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities "
    "candidateCount maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty "
    "responseLogprobs logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig imageConfig "
    "mediaResolution".split()
)
USAGE = {"promptTokenCount": 1200, "candidatesTokenCount": 12, "totalTokenCount": 1212}


CACHING = "https://ai.google.dev/gemini-api/docs/caching"


def _block(role: str, part: dict) -> Block:
    return Block(f"{role}: {part.get('text') or json.dumps(part)}\n")


def usage(bill: Bill | None) -> dict:
    """https://ai.google.dev/api/generate-content#UsageMetadata"""
    if bill is None:
        return USAGE
    found = {"cachedContentTokenCount": bill.read} if bill.read else {}
    return {
        "promptTokenCount": bill.tokens, "candidatesTokenCount": 12,
        "totalTokenCount": bill.tokens + 12, **found,
    }  # fmt: skip


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


class Gemini(StandIn):
    """generativelanguage.googleapis.com, Gemini 2.5: thinking is on unless its budget is zero."""

    # How long isn't published, but "a few minutes":
    # https://simonwillison.net/2025/May/9/gemini-implicit-caching/. Nor is where the tools are:
    # here they come after the system prompt, which is the worse where that changes.
    caches = (
        (r"gemini-2\.5", Rule(CACHING, 2048, tools_first=False)),
        (r"gemini", Rule(CACHING, 4096, tools_first=False)),
    )

    # https://ai.google.dev/api/generate-content#FinishReason
    breaks = ("SAFETY", "PROHIBITED_CONTENT")
    # Without a word, or with a call that isn't one: https://github.com/BerriAI/litellm/issues/21242
    chances = ({"text": ""}, {"text": "", "finish": "MALFORMED_FUNCTION_CALL"})

    def prompt(self, request: Request, body: dict) -> Prompt:
        system = body.get("systemInstruction") or body.get("system_instruction") or {}
        return Prompt(
            [Block(json.dumps(tool)) for tool in body.get("tools") or []],
            [_block("system", part) for part in system.get("parts") or []],
            [_block(c.get("role", "user"), part) for c in body["contents"] for part in c["parts"]],
        )

    def model(self, request: Request, body: dict) -> str:
        named = re.search(r"models/([^:/]+):", request.url.path)
        return named[1] if named else ""

    def check(self, request: Request, body: dict) -> None:
        path = request.url.path
        if not path.endswith((":generateContent", ":streamGenerateContent")):
            raise Refused("Requested entity was not found.", 404)
        if not (request.headers.get("x-goog-api-key") or request.query_params.get("key")):
            raise Refused("Method doesn't allow unregistered callers", 403)
        if path.endswith(":streamGenerateContent") and request.query_params.get("alt") != "sse":
            raise Refused("this stand-in streams as alt=sse only")
        config = body.get("generationConfig") or body.get("generation_config") or {}
        unknown = (set(body) - FIELDS - {"generation_config"}) | {
            name
            for name in config
            if name not in GENERATION and name not in set(map(snake, GENERATION))
        }
        for name in sorted(unknown):
            raise Refused(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            )
        self.check_contents(body.get("contents"))
        self.config = self.generation(body)
        # https://ai.google.dev/api/generate-content#generationconfig
        if len(self.config.get("stop_sequences") or []) > 5:
            raise Refused("The number of stop sequences must be at most 5.")
        # https://github.com/vercel/ai/issues/8943
        if self.config.get("presence_penalty") or self.config.get("frequency_penalty"):
            raise Refused("Penalty is not enabled for models/gemini-2.5-flash")
        self.check_thinking(self.config.get("thinking_config") or {})

    def check_thinking(self, thinking: dict) -> None:
        if "thinkingLevel" in thinking:
            # https://ai.google.dev/gemini-api/docs/thinking#thinking-levels
            raise Refused("Thinking level is not supported for this model.")

    def check_contents(self, contents: Any) -> None:
        if not contents:
            raise Refused("* GenerateContentRequest.contents: contents is not specified")
        for index, content in enumerate(contents):
            if content.get("role") not in ("user", "model", "function", None):
                raise Refused("Please use a valid role: user, model.")
            parts = content.get("parts") or []
            empty = [p for p in parts if set(p) == {"text"} and not p["text"]]
            if not parts or empty:
                # https://discuss.ai.google.dev/t/contents-parts-must-not-be-empty/58640
                raise Refused(
                    f"* GenerateContentRequest.contents[{index}].parts must not be empty."
                )
        if contents[-1].get("role") == "model":
            # https://ai.google.dev/gemini-api/docs/troubleshooting
            raise Refused("Please ensure that single turn requests end with a user role.")

    def stops(self, body: dict) -> list[str]:
        return self.generation(body).get("stop_sequences") or []

    def knob(self, body: dict, name: str) -> float | None:
        return self.generation(body).get(name)

    def generation(self, body: dict) -> dict:
        """generationConfig, which the API takes in camel and in snake case."""
        config = body.get("generationConfig") or body.get("generation_config") or {}
        return {snake(name): value for name, value in config.items()}

    def optional(self, body: dict) -> list[str]:
        return [n for n in ("stop_sequences", "thinking_config") if n in self.generation(body)]

    def refusal(self, name: str) -> str:
        if name == "thinking_config":
            return "Thinking budget is not supported for this model."
        return f"Invalid JSON payload received. Unknown name \"{name}\" at 'generation_config'"

    def is_stream(self, request: Request, body: dict) -> bool:
        return request.url.path.endswith(":streamGenerateContent")

    def thinks(self, body: dict) -> bool:
        thinking = self.generation(body).get("thinking_config") or {}
        return thinking.get("thinkingBudget") != 0

    def frames(self, body: dict, script: Script) -> list[bytes]:
        thinking = self.generation(body).get("thinking_config") or {}
        out = []
        if self.thinks(body) and thinking.get("includeThoughts"):
            for word in script.reasoning.split():
                out.append(self._frame([{"text": f"{word} ", "thought": True}]))
        if body.get("tools"):
            return [*out, sse(self.whole(body, script))]
        *first, last = script.cut()
        out += [self._frame([{"text": piece}]) for piece in first]
        end = self._candidate([{"text": last}] if last else [], finish=script.finish or "STOP")
        return [*out, sse({**end, "usageMetadata": usage(script.bill)})]

    def whole(self, body: dict, script: Script) -> dict:
        parts: list[dict] = [{"text": script.text}]
        if body.get("tools"):
            arguments = script.parsed()
            parts = [{"functionCall": {"name": script.tool, "args": arguments}}]
        return {**self._candidate(parts, finish="STOP"), "usageMetadata": usage(script.bill)}

    def _frame(self, parts: list[dict]) -> bytes:
        usage = {"promptTokenCount": 1200, "totalTokenCount": 1200}
        return sse({**self._candidate(parts), "usageMetadata": usage})

    def _candidate(self, parts: list[dict], finish: str | None = None) -> dict:
        content = {"role": "model", **({"parts": parts} if parts else {})}
        candidate: dict = {"content": content, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "modelVersion": "gemini", "responseId": "r"}

    def error(self, message: str, status: int, **_: Any) -> dict:
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
        names |= {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        return {
            "error": {"code": status, "message": message, "status": names.get(status, "INTERNAL")}
        }

    def error_frame(self, message: str) -> bytes:
        return sse(self.error(message, 503))


class Gemini3(Gemini):
    """Gemini 3 has levels in place of a budget, and no way to turn thinking off altogether.

    https://ai.google.dev/gemini-api/docs/thinking#thinking-levels
    """

    def check_thinking(self, thinking: dict) -> None:
        level = thinking.get("thinkingLevel")
        if level is not None and level.lower() not in ("minimal", "low", "medium", "high"):
            raise Refused(f"Invalid thinking level {level}")
        if level is not None and "thinkingBudget" in thinking:
            raise Refused("You can only set one of thinking budget and thinking level.")

    def thinks(self, body: dict) -> bool:
        thinking = self.generation(body).get("thinking_config") or {}
        least = thinking.get("thinkingLevel", "high").lower() in ("minimal", "low")
        return not least and thinking.get("thinkingBudget") != 0
