"""What a failure is called, and who is left alone after it."""

from __future__ import annotations

import json

import pytest
from vui_gateway.errors import Code, Ending
from vui_gateway.providers.blame import (
    HOUR,
    Blame,
    Blamed,
    Failure,
    blame,
    failed_call,
    is_chance,
    wait_asked,
)
from vui_gateway.providers.errors import Asked, error_code

REQUEST, TOOLS = Blame(Blamed.REQUEST), Blame(Blamed.TOOLS)
DEPLOYMENT = Blame(Blamed.DEPLOYMENT)
# As https://ai.google.dev/gemini-api/docs/troubleshooting shows it.
GEMINI_LIMIT = json.dumps({"error": {
    "code": 429, "status": "RESOURCE_EXHAUSTED",
    "message": "You exceeded your current quota, please check your plan and billing details.",
    "details": [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "23s"},
    ],
}})  # fmt: skip
GROQ_TOO_LARGE = (
    "Request too large for model `llama-3.1-8b-instant` in organization `org_1` on tokens per "
    "minute (TPM): Limit 6000, Requested 11400, please reduce your message size and try again."
)

QUOTA = [
    (429, "You exceeded your current quota, please check your plan and billing details."),
    (429, "insufficient_quota"),
    (400, "Your credit balance is too low to access the Anthropic API."),
    (402, "Insufficient Balance"),
    (403, "Your team has either used all available credits or reached its monthly spending limit."),
    (403, "Your newly created team doesn't have any credits yet."),
    (429, '{"error":{"code":"1113","message":"Insufficient balance or no resource package."}}'),
    (429, '{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}'),
    (500, "insufficient balance (1008)"),
    (429, "exceeded_current_quota_error: Your account is suspended, please check your plan"),
    (403, "Sorry, your account balance is insufficient"),
    (400, "Arrearage: Access denied, please make sure your account is in good standing."),
    (403, "NOT_ENOUGH_BALANCE: not enough balance"),
    (400, "Billing hard limit has been reached"),
    (500, "You have exceeded your monthly included credits for Inference Providers."),
    (412, "Account acc is suspended, it has run out of credits"),
]  # fmt: skip
LIMITED = [
    (429, GEMINI_LIMIT),
    (429, "Rate limit reached for model `llama` on tokens per minute (TPM): Limit 8000, Used 6100, "
     "Requested 5300. Please try again in 7.66s. Need more tokens? Upgrade to Dev Tier today."),
    (429, "Too many requests"),
    (413, GROQ_TOO_LARGE),
    (403, "You have exceeded a secondary rate limit. Please wait a few minutes."),
    (500, "litellm.ValueError: invalid literal for int() with base 10: 'rate_limit_exceeded'"),
]  # fmt: skip
FLAGGED = [
    (403, '{"message":"Input required moderation and was flagged","metadata":{"reasons":["x"]}}'),
    (403, "Content violates usage guidelines. Team: 1, Failed check: SAFETY_CHECK_TYPE_BIO"),
    (400, "InternalError.Algo.DataInspectionFailed: Input data may contain inappropriate content."),
    (400, "The response was filtered due to the prompt triggering the content management policy."),
    (400, "系统检测到输入或生成内容可能包含不安全或敏感内容"),
]  # fmt: skip
KEY = [
    (401, "Unauthorized"),
    (403, "The caller does not have permission to execute the specified operation"),
    (403, "Permission denied on resource project x"),
    (403, "Your account was flagged for violating our usage policies"),
    (400, "API key not valid. Please pass a valid API key."),
    (400, "Incorrect API key provided: sk-..."),
]  # fmt: skip
OTHERS = [
    (400, "Unknown parameter: 'moderation'", Code.PROVIDER_REFUSED_REQUEST),
    (404, "The model `x` does not exist", Code.PROVIDER_MODEL_NOT_FOUND),
    (500, "boom", Code.NO_ANSWER),
    (529, "Overloaded", Code.NO_ANSWER),
    (400, "tool_use_failed", Code.PROVIDER_REFUSED_REQUEST),
]


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        *((*case, Code.PROVIDER_QUOTA_EXCEEDED) for case in QUOTA),
        *((*case, Code.PROVIDER_RATE_LIMITED) for case in LIMITED),
        *((*case, Code.CONTENT_POLICY_VIOLATION) for case in FLAGGED),
        *((*case, Code.PROVIDER_KEY_REFUSED) for case in KEY),
        *OTHERS,
    ],
)
def test_the_words_decide_before_the_status(status: int, message: str, code: Code) -> None:
    assert error_code(status, message, Asked(tools=True)) == code


# LM Studio: https://github.com/Gitlawb/openclaude/issues/353,
# https://github.com/anomalyco/opencode/issues/11141, lmstudio-bug-tracker 237 and 2339
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"error":"The number of tokens to keep from the initial prompt is greater than the '
         'context length (n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger '
         'context length, or provide a shorter input."}', Code.CONTEXT_TOO_SMALL),
        ("Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)", Code.CONTEXT_TOO_SMALL),
        ("Cannot truncate prompt with n_keep (15028) >= n_ctx (14000)",
         Code.CONTEXT_WINDOW_EXCEEDED),
        ("Trying to keep the first 5000 tokens when context the overflows. However, the model is "
         "loaded with context length of only 4096 tokens, which is not enough.",
         Code.CONTEXT_TOO_SMALL),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 500])
def test_lm_studios_words_for_a_small_context_are_known(
    status: int, message: str, code: Code
) -> None:
    assert error_code(status, message, Asked(context=8192, local=True)) == code


def failure(status: int, message: str = "", *, reply: bool = True, wait: float = 0.0) -> Failure:
    return Failure(str(status), error_code(status, message), status, wait, reply)


@pytest.mark.parametrize("reply", [True, False])
@pytest.mark.parametrize("case", QUOTA)
def test_a_used_up_quota_leaves_a_deployment_alone_for_an_hour(
    case: tuple[int, str], *, reply: bool
) -> None:
    assert blame(failure(*case, reply=reply)) == Blame(Blamed.DEPLOYMENT, HOUR)


@pytest.mark.parametrize("reply", [True, False])
@pytest.mark.parametrize("case", KEY)
def test_a_refused_key_is_left_alone_for_an_hour_at_most(
    case: tuple[int, str], *, reply: bool
) -> None:
    assert blame(failure(*case, reply=reply)) == Blame(Blamed.KEY, HOUR)


@pytest.mark.parametrize("reply", [True, False])
@pytest.mark.parametrize("case", [*FLAGGED, (400, "no"), (413, "too long"), (422, "")])
def test_a_request_that_is_to_blame_leaves_nobody_alone(
    case: tuple[int, str], *, reply: bool
) -> None:
    assert blame(failure(*case, reply=reply)) == REQUEST


@pytest.mark.parametrize("case", LIMITED)
def test_a_limit_of_thoughts_leaves_the_reply_its_model(case: tuple[int, str]) -> None:
    assert blame(failure(*case, wait=7.0)) == Blame(Blamed.DEPLOYMENT, 7.0)
    assert blame(failure(*case, reply=False, wait=7.0)) == Blame(Blamed.TOOLS, 7.0)


@pytest.mark.parametrize("status", [404, 408, 409])
def test_thoughts_never_cost_a_reply_its_model(status: int) -> None:
    assert blame(failure(status)) == DEPLOYMENT
    assert blame(failure(status, reply=False)) == TOOLS


@pytest.mark.parametrize("status", [500, 502, 503, 529])
@pytest.mark.parametrize("reply", [True, False])
def test_a_deployment_that_is_down_is_left_alone_whoever_asked(status: int, *, reply: bool) -> None:
    assert blame(failure(status, reply=reply)) == DEPLOYMENT


def test_a_deployment_that_refuses_tools_is_left_alone_for_these() -> None:
    no_tools = "No endpoints found that support tool use."
    code = error_code(404, no_tools, Asked(tools=True))
    assert blame(Failure(Ending.NO_TOOLS, code, 404)) == Blame(Blamed.TOOLS, HOUR)


@pytest.mark.parametrize("ended", [Ending.NO_WORDS, Ending.EMPTY])
def test_slow_thoughts_leave_nobody_alone(ended: Ending) -> None:
    assert blame(Failure(ended, Code.NO_ANSWER, 504)) == DEPLOYMENT
    assert blame(Failure(ended, Code.NO_ANSWER, 504, reply=False)) == REQUEST


@pytest.mark.parametrize(
    "ended", [Ending.BUDGET, Ending.HOOK, Ending.LOADING, Ending.FILTERED]
)  # fmt: skip
def test_an_ending_that_is_not_the_deployments_leaves_nobody_alone(ended: Ending) -> None:
    assert blame(Failure(ended, Code.NO_ANSWER, 503)) == REQUEST


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (GEMINI_LIMIT, 23.0),
        ("{'retryDelay': '39.5s'}", 39.5),
        ('b\'{"retryDelay": "0.8s"}\'', 0.8),
        ("Please try again in 7.66s. Visit …", 7.66),
        ("Please try again in 1m30s.", 90.0),
        ("Please try again in 6m0.5s.", 360.5),
        ("Please try again in 250ms.", 0.25),
        ("Please try again in 1h2m3s", 3723.0),
        ("Please retry in 23.1s.", 23.1),
        ("Please retry after 12 seconds.", 12.0),
        ("Try again in 2 minutes", 120.0),
        ("Please wait 1 minute and 5 seconds", 65.0),
        ("Please wait a few minutes", 0.0),
        ("Limit 8000, Requested 5300s", 0.0),
        ("", 0.0),
    ],
)  # fmt: skip
def test_the_wait_that_a_provider_asks_for_in_its_words_is_read(
    message: str, seconds: float
) -> None:
    assert wait_asked(message) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "message",
    ["tool_use_failed", "MALFORMED_FUNCTION_CALL", "[Errno 104] Connection reset by peer",
     "Server disconnected", "Server disconnected without sending a response."],
)  # fmt: skip
def test_chance_is_known_by_its_words(message: str) -> None:
    assert is_chance(f"litellm.InternalServerError: {message}")


@pytest.mark.parametrize("message", ["Connection refused", "boom", "Overloaded", ""])
def test_what_would_fail_again_is_no_chance(message: str) -> None:
    assert not is_chance(message)


def test_a_failed_generation_is_read_as_it_was_written() -> None:
    written = '<function=get_time>{"zone": "Europe/Berlin"}</function>'
    error = {"error": {"code": "tool_use_failed", "failed_generation": written}}
    assert failed_call(f"GroqException - {json.dumps(error)}") == written
    assert failed_call("tool_use_failed") == ""


SPENT, FILTERED, NO_MODEL = (
    Code.PROVIDER_QUOTA_EXCEEDED, Code.CONTENT_POLICY_VIOLATION, Code.PROVIDER_MODEL_NOT_FOUND,
)  # fmt: skip
FLAGGED_INPUT = '{{"message": "Input was flagged", "metadata": {{"flagged_input": "{}"}}}}'


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (403, FLAGGED_INPUT.format("my bank says insufficient funds"), FILTERED),
        (403, FLAGGED_INPUT.format("my account, it was blocked"), FILTERED),
        (403, FLAGGED_INPUT.format("the rate limit joke"), FILTERED),
        (400, '{"code": "tool_use_failed", "failed_generation": "the balance is too low"}',
         Code.PROVIDER_REFUSED_REQUEST),
        (403, "The user's input was flagged as unsafe.", FILTERED),
        (403, "The request was blocked by the content filter", FILTERED),
        (403, "Prompt was blocked by Model Armor", FILTERED),
        (400, "Content Exists Risk", FILTERED),
        (400, "Your request was rejected by the safety system", FILTERED),
        (403, "Key limit exceeded (daily limit)", SPENT),
        (403, "Free allocated quota exceeded", SPENT),
        (400, "You have reached your specified API usage limits. You will regain access on", SPENT),
        (412, "Account suspended, possibly due to reaching the monthly spending limit", SPENT),
        (429, "usage limit exceeded, 5-hour usage limit", SPENT),
        (400, '{"error":{"code":"1211","message":"Unknown Model, please check"}}', NO_MODEL),
        (400, "Model not found: grok-9", NO_MODEL),
        (400, "foo/bar is not a valid model ID", NO_MODEL),
        (400, "The provided model identifier is invalid.", NO_MODEL),
        (400, "The model `llama3` has been decommissioned", NO_MODEL),
        (403, "Project `proj_1` does not have access to model `gpt-9`", NO_MODEL),
        (400, "This organization has been disabled.", Code.PROVIDER_KEY_REFUSED),
        (413, "Request body too large for gpt-4o model. Max size: 8000 tokens.",
         Code.CONTEXT_TOO_SMALL),
        (400, "Your request exceeded model token limit: 8192", Code.CONTEXT_TOO_SMALL),
        (400, "Range of input length should be [1, 98304]", Code.CONTEXT_WINDOW_EXCEEDED),
        (429, "Allocated quota exceeded, please increase your quota limit.",
         Code.PROVIDER_RATE_LIMITED),
    ],
)  # fmt: skip
def test_real_words_are_called_by_their_name(status: int, message: str, code: Code) -> None:
    assert error_code(status, message, Asked(context=16_000)) == code


@pytest.mark.parametrize(
    "message",
    ["tools are unsupported for this model", "Tool calling unsupported", "tool calls are disabled",
     "Tool use with function calling is unsupported", "Cannot use tools with this model",
     "No endpoints found that support the provided 'tool_choice' value"],
)  # fmt: skip
def test_tools_that_are_unsupported_are_refused(message: str) -> None:
    assert error_code(400, message, Asked(tools=True)) == Code.PROVIDER_REFUSED_TOOLS
    assert error_code(400, "parallel tool calls are not supported", Asked(tools=True)) != (
        Code.PROVIDER_REFUSED_TOOLS
    )


def test_thoughts_that_their_model_wrote_wrong_leave_the_reply_its_model() -> None:
    message = "error parsing tool call: raw='{', err=unexpected end"
    assert is_chance(message)
    facts = Failure("500", Code.NO_ANSWER, 500, reply=False, chance=True)
    assert blame(facts).blamed == Blamed.TOOLS
    early = Failure(Ending.ENDED_EARLY, Code.NO_ANSWER, 502, reply=False)
    assert blame(early).blamed == Blamed.TOOLS


def test_a_model_that_is_not_there_is_left_alone_whatever_the_status() -> None:
    assert blame(Failure("400", Code.PROVIDER_MODEL_NOT_FOUND, 400)).blamed == Blamed.DEPLOYMENT


@pytest.mark.parametrize(
    ("message", "seconds"), [("retry-after: 7s", 7.0), ("It resets in 30s.", 30.0)]
)
def test_a_wait_in_other_words_is_read(message: str, seconds: float) -> None:
    assert wait_asked(message) == seconds
