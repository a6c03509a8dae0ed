import httpx
import pytest
from vui.serving.stream.llm import llm_stream_chunks
from vui.serving.stream.voice_turn import clean_llm_text

from vui_litellm import errors
from vui_litellm.errors import SENTENCES, GatewayError, spoken


def failed(status: int, message: str) -> GatewayError:
    request = httpx.Request("POST", "http://gateway/v1/chat/completions")
    response = httpx.Response(status, json={"error": {"message": message}}, request=request)
    return GatewayError(response, response.text)


@pytest.mark.parametrize(
    ("status", "message", "sentence"),
    [
        (401, "The key is missing or wrong. Set VUI_LITELLM_KEY to …", errors.KEY_REFUSED),
        (401, "AuthenticationError: Incorrect API key provided", errors.PROVIDER_KEY),
        (429, "You exceeded your current quota, please check your plan", errors.QUOTA),
        (402, "Insufficient Balance", errors.QUOTA),
        (404, "The model does not exist", errors.MODEL_UNKNOWN),
        (400, "Invalid model name passed in model=x", errors.MODEL_UNKNOWN),
        (429, "Rate limit reached", errors.APOLOGY),
        (500, "boom", errors.APOLOGY),
    ],
)
def test_the_spoken_sentence_says_what_to_do(status: int, message: str, sentence: str) -> None:
    assert spoken(failed(status, message)) == sentence


def test_a_gateway_that_is_away_is_said() -> None:
    assert spoken(httpx.ConnectError("refused")) == errors.GATEWAY_AWAY
    assert spoken(httpx.ReadTimeout("slow")) == errors.APOLOGY


def test_the_code_of_an_error_frame_counts() -> None:
    request = httpx.Request("POST", "http://gateway/")
    response = httpx.Response(200, request=request)
    frame = '{"error": {"message": "overloaded", "code": "529"}}'
    assert GatewayError(response, frame).code == 529


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
