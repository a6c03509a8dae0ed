"""What the gateway changes in LiteLLM, each change by what it is for."""

from __future__ import annotations

import threading
from typing import Any

import litellm
import pytest
from litellm import main
from litellm.litellm_core_utils import streaming_handler
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.litellm_core_utils.llm_response_utils import convert_dict_to_response
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices, Usage
from vui_gateway.litellm_proxy import patches
from vui_gateway.litellm_proxy.environment import ONE_CLIENT

PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    {"type": "text", "text": "It "}, {"type": "text", "text": "rains."},
]  # fmt: skip


def chunk(text: str = "", usage: Usage | None = None) -> ModelResponseStream:
    choice = StreamingChoices(delta=Delta(content=text, role="assistant"), index=0)
    found = ModelResponseStream(id="1", model="m", choices=[choice])
    if usage:
        found.usage = usage
    return found


@pytest.mark.parametrize("words", [3, 4000])
def test_the_record_of_a_long_reply_has_all_of_its_text_and_its_usage(words: int) -> None:
    usage = Usage(prompt_tokens=1200, completion_tokens=words, total_tokens=1200 + words)
    chunks = [*(chunk(f"{n} ") for n in range(words)), chunk(usage=usage)]
    record: Any = litellm.stream_chunk_builder(chunks)
    assert record.choices[0].message.content == "".join(f"{n} " for n in range(words))
    assert (record.usage.prompt_tokens, record.usage.completion_tokens) == (1200, words)


def test_a_list_of_parts_is_text_and_thoughts_whole_or_streamed() -> None:
    read = convert_dict_to_response.extract_reasoning_content
    assert read({"content": PARTS}) == ("Hm.", "It rains.")
    assert read({"content": "It rains."}) == (None, "It rains.")
    delta: Any = Delta(content=PARTS)
    assert (delta.content, delta.reasoning_content) == ("It rains.", "Hm.")
    plain: Any = Delta(content="It rains.", reasoning_content="Hm.")
    assert (plain.content, plain.reasoning_content) == ("It rains.", "Hm.")


def test_a_models_words_for_a_refusal_are_its_text_whole_or_streamed() -> None:
    read = convert_dict_to_response.extract_reasoning_content
    assert read({"content": None, "refusal": "I can't."}) == (None, "I can't.")
    assert read({"content": "Well.", "refusal": None}) == (None, "Well.")
    delta: Any = Delta(content=None, refusal="I can't.")
    assert delta.content == "I can't."
    plain: Any = Delta(content="Well.", refusal=None)
    assert plain.content == "Well."


def test_a_stream_is_not_priced_before_its_first_word() -> None:
    stream = CustomStreamWrapper.__new__(CustomStreamWrapper)
    log = Logging.__new__(Logging)
    assert Logging.response_cost_calculator(log, stream) is None


@pytest.mark.parametrize(("config", "one"), [(object(), True), (None, False)])
def test_litellms_own_client_asks_only_where_it_has_a_chat_configuration(
    config: object, one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ONE_CLIENT, "True")
    asked: list[bool | None] = []
    monkeypatch.setattr(
        patches, "_complete_custom_openai", lambda _: asked.append(main.get_secret_bool(ONE_CLIENT))
    )
    own = {"provider_config": config, "custom_llm_provider": "openai"}
    context: Any = type("Context", (), own)
    main._complete_custom_openai(context)
    assert asked == [one]
    assert main.get_secret_bool(ONE_CLIENT) is True


@pytest.mark.parametrize(
    ("model", "variables", "settings", "key"),
    [
        ("github/gpt-4o", {}, {}, "none"),
        ("moonshot/x", {}, {"openai_key": "openais"}, "none"),
        ("moonshot/x", {"MOONSHOT_API_KEY": "moonshots"}, {}, "moonshots"),
        ("moonshot/x", {}, {"api_key": "everybodys"}, "everybodys"),
        ("openai/gpt-4o", {}, {}, None),  # LiteLLM looks it up
    ],
)
@pytest.mark.parametrize("address", [{}, {"api_base": "http://box.test/v1"}])
def test_openais_key_goes_to_no_other_provider(
    model: str,
    variables: dict,
    settings: dict,
    key: str | None,
    address: dict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"OPENAI_API_KEY": "openais", **variables}.items():
        monkeypatch.setenv(name, value)
    for name, value in settings.items():
        monkeypatch.setattr(litellm, name, value)
    keys: list[str | None] = []
    monkeypatch.setattr(
        patches, "_complete_custom_openai", lambda context: keys.append(context.api_key)
    )
    litellm.completion(model=model, messages=[{"role": "user", "content": "Hi."}], **address)
    assert keys == [key]


async def test_a_short_record_is_made_in_this_thread_and_a_long_one_is_not() -> None:
    async def thread(count: int) -> str:
        def name(chunks: list) -> str:
            return threading.current_thread().name

        return await streaming_handler.asyncify(name)(chunks=[0] * count)

    own = threading.current_thread().name
    assert await thread(patches.FEW_CHUNKS) == own
    assert await thread(patches.FEW_CHUNKS + 1) != own
