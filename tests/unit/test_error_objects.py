"""Errors that come with HTTP 200."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vui_gateway.providers.error_objects import MAX_EVENT, ErrorFinder, error_object
from vui_gateway.providers.errors import error_code

from tests.providers.minimax import CODES, MiniMax

LONG = "context_window_exceeded"
# What each is to the client; https://platform.minimax.io/docs/api-reference/errorcode
MINIMAX = {
    1000: "no_answer", 1001: "no_answer", 1002: "provider_rate_limited",
    1004: "provider_key_refused", 1008: "provider_quota_exceeded", 1024: "no_answer",
    1026: "content_policy_violation", 1027: "content_policy_violation", 1033: "no_answer",
    1039: "provider_rate_limited", 1041: "provider_rate_limited", 1042: "provider_refused_request",
    2013: "provider_refused_request", 2045: "provider_rate_limited", 2049: "provider_key_refused",
    2056: "provider_quota_exceeded", 2061: "provider_model_not_found",
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("words", [True, False])
def test_each_code_of_minimax_is_a_failure_of_its_kind(code: int, words: bool) -> None:
    answer = MiniMax().failed(code)
    if not words:
        answer["base_resp"]["status_msg"] = ""
    found = error_object(answer)
    assert found
    assert error_code(found.status, found.error["message"]) == MINIMAX[code]
    assert f"({code})" in found.error["message"]


@pytest.mark.parametrize(
    ("code", "status"), [("1004", 401), ([1], None), ("0", None), ({}, None), (1004.5, None)]
)
def test_a_code_of_minimax_of_another_type_does_no_harm(code: Any, status: int | None) -> None:
    found = error_object({"base_resp": {"status_code": code, "status_msg": ["x"]}})
    assert (found.status if found else None) == status


def test_a_plan_of_minimax_that_is_used_up_is_understood_in_chinese() -> None:
    found = error_object({"base_resp": {"status_code": 9999, "status_msg": "已达到用量上限"}})
    assert found
    assert error_code(found.status, found.error["message"]) == "provider_quota_exceeded"


def test_an_error_of_an_older_llama_cpp_in_mid_reply_is_read() -> None:
    line = b'error: {"code":500,"message":"Context size has been exceeded.","type":"server_error"}'
    finder = ErrorFinder(streamed=True)
    assert finder.feed(line + b"\n\n").startswith(b'data: {"error": {"type": "error"')
    assert finder.found
    assert error_code(*finder.found[:1], finder.found.error["message"]) == LONG
    assert ErrorFinder(streamed=True).feed(b"error: none\n") == b"error: none\n"


TGI = "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"
ERRORS: list[tuple[Any, int, str]] = [
    # OpenAI's format: https://platform.openai.com/docs/guides/error-codes
    ({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401,
     "provider_key_refused"),
    ({"error": {"message": "Slow down", "code": 429}}, 429, "provider_rate_limited"),
    ({"error": {"message": "Slow down", "code": "429"}}, 429, "provider_rate_limited"),
    ({"error": {"message": "Busy", "type": "overloaded_error"}}, 503, "no_answer"),
    ({"error": {"message": "The model `x` does not exist"}, "choices": []}, 404,
     "provider_model_not_found"),
    ({"error": "too many requests"}, 429, "provider_rate_limited"),
    # https://docs.z.ai/api-reference/api-code
    ({"error": {"code": "1113", "message": "no resource package"}}, 500,
     "provider_quota_exceeded"),
    # xAI's
    ({"code": "no", "error": "used all available credits"}, 500, "provider_quota_exceeded"),
    # https://fastapi.tiangolo.com/tutorial/handling-errors
    ({"detail": "Not authenticated"}, 401, "provider_key_refused"),
    ({"detail": "Not Found"}, 404, "provider_model_not_found"),
    ({"detail": [{"loc": ["body", "stop"], "msg": "field required"}]}, 422,
     "provider_refused_request"),
    # vLLM's and SGLang's: https://github.com/vllm-project/vllm, `ErrorResponse`
    ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, 400,
     "provider_refused_request"),
    ({"object": "error", "message": "Rate limit reached", "param": None}, 429,
     "provider_rate_limited"),
    # SiliconFlow's, iFlytek's, DashScope's
    ({"code": 30001, "message": "balance is insufficient", "data": None}, 500,
     "provider_quota_exceeded"),
    ({"code": 11200, "message": "AppIdNoAuthError: not authorized"}, 401, "provider_key_refused"),
    ({"code": "InvalidApiKey", "message": "Invalid API-key provided."}, 401,
     "provider_key_refused"),
    ({"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}, 429,
     "provider_rate_limited"),
    # Qianfan's: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/tlmyncueh
    ({"error_code": 18, "error_msg": "Open api qps request limit: too many requests"}, 429,
     "provider_rate_limited"),
    # Cloudflare's: https://developers.cloudflare.com/fundamentals/api/reference/errors
    ({"success": False, "errors": [{"code": 10000, "message": "Authentication error"}],
      "result": None}, 401, "provider_key_refused"),
    # https://huggingface.co/docs/text-generation-inference
    ({"error": TGI, "error_type": "validation"}, 422, "context_window_exceeded"),
    # Gemini's, in its list
    ([{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}],
     503, "no_answer"),
    ({"detail": "Authentication failed: account not found"}, 401, "provider_key_refused"),
    ({"error": "Invalid token: user not found"}, 401, "provider_key_refused"),
    ({"message": "API key not found", "code": 5}, 401, "provider_key_refused"),
    ({"base_resp": {"status_code": "1004", "status_msg": 5}}, 401, "provider_key_refused"),
    ({"code": 50603, "msg": "the service is too busy", "success": False}, 503, "no_answer"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "status", "code"), ERRORS)
def test_an_error_in_place_of_an_answer_is_a_failure_of_its_kind(
    answer: Any, status: int, code: str
) -> None:
    found = error_object(answer)
    assert found
    assert found.status == status
    assert error_code(found.status, found.error["message"]) == code


def test_a_code_that_is_no_status_is_said_and_what_else_the_error_holds_is_kept() -> None:
    inside = {"message": "No.", "code": "tool_use_failed", "failed_generation": "{}"}
    found = error_object({"error": inside})
    assert found
    kept = {**inside, "message": "No. (tool_use_failed)", "code": 500, "type": "error"}
    assert json.loads(found.body) == {"error": kept}


CHOICE = {"index": 0, "delta": {"content": 'He said {"error": "no", "code": 5}'}}
ANSWERS: list[Any] = [
    {"choices": [CHOICE]}, {"choices": [CHOICE], "error": None}, {"choices": [], "usage": {}},
    {"choices": [CHOICE], "error": {"message": "", "code": None}}, {"choices": [], "error": {}},
    {"choices": [CHOICE], "base_resp": {"status_code": 0, "status_msg": "success"}},
    {"choices": [], "base_resp": {"status_code": 0}},
    {"code": 0, "message": "Success", "choices": [CHOICE]}, {"code": 0, "message": "ok"},
    {"status_code": 200, "code": "", "message": "", "output": {"text": "Hi."}},
    {"object": "response", "status": "completed", "error": None, "output": [{}]},
    {"id": "1", "message": {"content": [{"text": "Hi."}]}, "finish_reason": "COMPLETE"},
    {"candidates": [{}]}, {"type": "message_start", "message": {"content": []}},
    {"type": "message", "content": [{"type": "text", "text": "Hi."}]}, [], "x", None, 1, {},
    {"status": "in_progress", "message": "queued"}, {"status": "queued", "detail": None},
    {"status": "processing", "message": "You are number 2"}, {"code": 20000, "msg": "success"},
    {"choices": [], "status": "completed", "message": "done"}, {"code": "A0", "message": "OK."},
    {"access_token": "x", "expires_in": 1}, {"errors": [], "result": {"response": "Hi."}},
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_no_error(answer: Any) -> None:
    assert error_object(answer) is None


def passed(text: str, size: int, *, streamed: bool) -> tuple[str, ErrorFinder]:
    finder, data = ErrorFinder(streamed=streamed), text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    out = b"".join(map(finder.feed, pieces))
    return (out + finder.feed(b"", final=True)).decode(), finder


SIZES = pytest.mark.parametrize("size", [1, 7, 100_000])
GOOD = f"data: {json.dumps({'choices': [CHOICE]})}\n\n"
BAD = {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}
EVENT = {"error": {"type": "error", "message": "rate limit (1002)", "code": 429}}


@SIZES
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n", ""])
@pytest.mark.parametrize("before", ["", GOOD, ": keep-alive\n\n", f"event: x\nid: 1\n{GOOD}"])
def test_an_error_in_a_stream_becomes_an_event_that_litellm_reads(
    before: str, end: str, size: int
) -> None:
    text, finder = passed(f"{before}data:{json.dumps(BAD)}{end}", size, streamed=True)
    assert text.startswith(before)
    assert text.removeprefix(before).startswith(f"data: {json.dumps(EVENT)}\n\n")
    assert finder.found
    assert finder.found.status == 429


@SIZES
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_whole_body_that_is_an_error_becomes_one_that_litellm_reads(
    streamed: bool, indent: int | None, size: int
) -> None:
    text, _ = passed(f"\n{json.dumps(BAD, indent=indent)}\n", size, streamed=streamed)
    assert json.loads(text.removeprefix("data: ")) == EVENT


ANTHROPIC = 'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'
FLOOD = f'{{"error": "{"x" * MAX_EVENT}"}}'


@pytest.mark.parametrize("size", [7, 100_000])
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "text",
    [GOOD * 3, "data: [DONE]\n\n", ANTHROPIC, f"data: {FLOOD}\n\n", FLOOD, "{", "data: {x\n\n",
     '{"error": ', "", "\n\n\n", f"data: {'x' * 50_000}", json.dumps(ANSWERS)],
)  # fmt: skip
def test_every_other_body_stays_as_it_is(text: str, streamed: bool, size: int) -> None:
    assert passed(text, size, streamed=streamed)[0] == text


def test_an_event_goes_on_as_soon_as_it_is_whole() -> None:
    finder = ErrorFinder(streamed=True)
    assert finder.feed(GOOD.encode()) == GOOD.encode()
    assert finder.feed(GOOD[:20].encode()) == b""
    assert finder.feed(GOOD[20:].encode()) == GOOD.encode()


def test_a_stream_of_a_value_a_line_goes_on_line_by_line() -> None:
    finder, line = ErrorFinder(streamed=True), b'{"event_type": "text-generation", "text": "Hi"}\n'
    for _ in range(3):
        assert finder.feed(line[:9]) + finder.feed(line[9:]) == line
    assert finder.feed(b"", final=True) == b""
