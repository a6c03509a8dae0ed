"""What the chat templates of open models refuse: rules for any host, and vLLM with each of them."""

from __future__ import annotations

from tests.providers.base import Refused
from tests.providers.openai_like import VLLM, check_turns

# https://github.com/suitenumerique/conversations/issues/197
ROLES_ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."


def system_first(messages: list[dict]) -> None:
    """Qwen 3.5 and later: https://huggingface.co/Qwen/Qwen3.5-27B/blob/main/chat_template.jinja

    Raises:
        Refused: there is a system message after the first message, or no turn of the user's.
    """
    # https://github.com/vllm-project/vllm/issues/41114
    if any(message["role"] == "system" for message in messages[1:]):
        raise Refused("System message must be at the beginning.")
    if not any(message["role"] == "user" for message in messages):
        raise Refused("No user query found in messages.")


def roles_alternate(messages: list[dict], refusal: str = ROLES_ALTERNATE) -> None:
    """Gemma 3: https://huggingface.co/google/gemma-3-12b-it/blob/main/chat_template.json

    Raises:
        Refused: after the system message the user and the assistant don't take turns, the user
            first.
    """
    talk = messages[1:] if messages[0]["role"] == "system" else messages
    for index, message in enumerate(talk):
        if (message["role"] in ("user", "tool")) != (index % 2 == 0) or message["role"] == "system":
            raise Refused(refusal)


class VLLMQwen35(VLLM):
    """vLLM with the template of Qwen 3.5: https://github.com/vllm-project/vllm/issues/41114"""

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        system_first(body["messages"])


class VLLMGemma(VLLM):
    """vLLM with the template of Gemma 3, which doesn't think."""

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        roles_alternate(body["messages"])

    def thinks(self, body: dict) -> bool:
        return False


class VLLMMistral(VLLM):
    """vLLM with Mistral's own tokenizer: https://github.com/linagora/openrag/pull/335"""

    def check_body(self, body: dict) -> None:
        super().check_body(body)
        if body.get("chat_template") or body.get("chat_template_kwargs"):
            raise Refused("chat_template is not supported for Mistral tokenizers.")
        if "reasoning_effort" in body:
            # https://github.com/vllm-project/vllm/issues/38560
            raise Refused(
                "Kwargs ['reasoning_effort'] are not supported by "
                "`MistralCommonTokenizer.apply_chat_template`."
            )

    def check_messages(self, body: dict) -> None:
        super().check_messages(body)
        check_turns(body["messages"])

    def thinks(self, body: dict) -> bool:
        return False
