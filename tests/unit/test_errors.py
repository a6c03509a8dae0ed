import json

import httpx
import pytest
from vui.serving.stream.llm import llm_stream_chunks
from vui.serving.stream.voice_turn import clean_llm_text

from vui_litellm import errors
from vui_litellm.errors import SENTENCES, GatewayError, refused_field, spoken_message

REQUEST = httpx.Request("POST", "http://gateway/v1/chat/completions")
# Every word that a sentence could be chosen by, if it were chosen by words.
MISLEADING = (
    "VUI_LITELLM_KEY VUI_LITELLM_BUDGET: No connected db. Incorrect API key, you exceeded your "
    "quota, budget and credit; invalid model name, rate limit, too large, the reply ended"
)


def failed(status: int, **error: str | None) -> GatewayError:
    response = httpx.Response(status, json={"error": error}, request=REQUEST)
    return GatewayError(response, response.text)


CODES = {
    "invalid_key": (401, errors.KEY_REFUSED),
    "invalid_request": (400, errors.APOLOGY),
    "budget_exceeded": (402, errors.BUDGET),
    "route_not_found": (404, errors.APOLOGY),
    "model_not_served": (404, errors.MODEL_UNKNOWN),
    "request_timeout": (408, errors.APOLOGY),
    "request_too_large": (413, errors.TOO_LONG),
    "too_many_calls": (429, errors.TOO_MANY),
    "provider_key_refused": (401, errors.PROVIDER_KEY),
    "provider_quota_exceeded": (429, errors.QUOTA),
    "provider_model_not_found": (404, errors.PROVIDER_MODEL),
    "provider_refused_request": (400, errors.REQUEST_REFUSED),
    "context_window_exceeded": (400, errors.TOO_LONG),
    "provider_rate_limited": (429, errors.RATE_LIMITED),
    "content_policy_violation": (400, errors.FILTERED),
    "no_answer": (500, errors.APOLOGY),
    "gateway_unavailable": (502, errors.GATEWAY_AWAY),
}


@pytest.mark.parametrize("code", CODES)
def test_our_gateways_code_chooses_the_sentence_whatever_the_message_says(code: str) -> None:
    status, sentence = CODES[code]
    for message in ("", "boom", MISLEADING):
        error = failed(status, code=code, message=message, type="invalid_request_error")
        assert (error.code, error.status) == (code, status)
        assert spoken_message(error) == sentence


@pytest.mark.parametrize("code", CODES)
def test_an_error_frame_with_a_code_is_said_like_an_http_error(code: str) -> None:
    frame = json.dumps({"error": {"code": code, "message": MISLEADING}})
    error = GatewayError(httpx.Response(200, request=REQUEST), frame)
    assert spoken_message(error) == CODES[code][1]


# As LiteLLM 1.109.1 answers without our gateway: `code` is the status as a string.
STOCK = {
    "a wrong key, without a database": (400, "no_db_connection", errors.KEY_REFUSED),
    "a wrong key": (401, "token_not_found_in_db", errors.KEY_REFUSED),
    "no key": (401, "auth_error", errors.KEY_REFUSED),
    "a key that expired": (401, "expired_key", errors.KEY_REFUSED),
    "a model that the key may not use": (401, "key_model_access_denied", errors.MODEL_UNKNOWN),
    "an unknown model": (400, "invalid_request_error", errors.REQUEST_REFUSED),
    "a spent budget": (429, "budget_exceeded", errors.QUOTA),
    "the provider refuses its key": (401, "authentication_error", errors.PROVIDER_KEY),
    "the provider forbids it": (403, "permission_error", errors.PROVIDER_KEY),
    "the provider wants money": (402, "invalid_request_error", errors.QUOTA),
    "the provider lacks the model": (404, "invalid_request_error", errors.PROVIDER_MODEL),
    "too fast for the provider": (429, "throttling_error", errors.APOLOGY),
    "all deployments are cooling": (429, "all_deployments_in_cooldown", errors.APOLOGY),
    "the provider is down": (500, "internal_server_error", errors.APOLOGY),
}


@pytest.mark.parametrize("case", STOCK)
def test_stock_litellms_type_and_status_choose_the_sentence(case: str) -> None:
    status, type_, sentence = STOCK[case]
    for message in ("", "boom", MISLEADING):
        error = failed(status, code=str(status), type=type_, message=message, param=None)
        assert (error.code, error.status) == ("", status)
        assert spoken_message(error) == sentence


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, errors.PROVIDER_KEY), (402, errors.QUOTA), (404, errors.PROVIDER_MODEL),
     (413, errors.TOO_LONG), (500, errors.APOLOGY), (503, errors.APOLOGY)],
)  # fmt: skip
def test_an_unknown_code_or_none_at_all_leaves_the_status(status: int, sentence: str) -> None:
    assert spoken_message(failed(status, code="of_a_newer_gateway")) == sentence
    for body in ("", MISLEADING, '["error"]', '{"error": "x"}', '{"detail": "Not Found"}'):
        error = GatewayError(httpx.Response(status, text=body, request=REQUEST), body)
        assert spoken_message(error) == sentence


def test_a_gateway_that_is_away_is_said() -> None:
    for lost in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError,
                 httpx.RemoteProtocolError):  # fmt: skip
        assert spoken_message(lost("refused")) == errors.GATEWAY_AWAY
    assert spoken_message(httpx.ReadTimeout("slow")) == errors.APOLOGY
    assert spoken_message(RuntimeError("a bug")) == errors.APOLOGY


def test_the_status_of_an_error_frame_counts() -> None:
    frame = '{"error": {"message": "overloaded", "code": "529"}}'
    error = GatewayError(httpx.Response(200, request=REQUEST), frame)
    assert (error.code, error.status) == ("", 529)
    assert str(error) == "overloaded (529)"


def test_the_param_of_a_refusal_comes_before_the_words_of_its_message() -> None:
    sent = httpx.Request("POST", "http://gateway/", json={"top_p": 0.9, "temperature": 0.3})
    named = {"message": "top_p is fine, but not beside it", "param": "temperature"}
    assert refused_field(sent, json.dumps({"error": named})) == "temperature"
    for param in ("null", '"None"', '"messages"', "3", "[]"):
        body = '{"error": {"message": "`topP` is not supported", "param": ' + param + "}}"
        assert refused_field(sent, body) == "top_p"
    assert refused_field(sent, '{"error": {"message": "no", "param": "stop"}}') is None


@pytest.mark.parametrize("sentence", SENTENCES)
def test_vuis_clean_up_leaves_our_sentences_as_they_are(sentence: str) -> None:
    assert clean_llm_text(None, sentence) == sentence
    assert len(sentence.split()) < 20  # vui cuts longer ones in two


@pytest.mark.parametrize("said", ["", "Your calendar has", "Your calendar. "])
async def test_vuis_chunker_speaks_the_sentence_before_it_raises(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vui.serving.stream import llm_backend

    from tests.unit.test_backend import answering, stream_of

    backend, _ = answering(lambda _: stream_of(said, done=False))
    monkeypatch.setattr(llm_backend, "_BACKEND", backend)
    chunks = []
    with pytest.raises(GatewayError):
        async for chunk, _final in llm_stream_chunks([{"role": "user", "content": "hi"}]):
            chunks.append(chunk)
    assert chunks[-1] == errors.APOLOGY
    assert chunks[:-1] == ([said.strip().rstrip(".") + "."] if said else [])
