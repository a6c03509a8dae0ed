"""Every provider of LiteLLM's list, asked once with the packages of the gateway's image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from litellm import provider_list
from litellm.llms.openai_like.json_loader import JSONProviderRegistry
from vui_gateway.providers.packages import LEFT_OUT_PACKAGES
from vui_gateway.providers.sign_in import SUBSCRIPTIONS

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.providers.vertex import service_account
from tests.support import image
from tests.support.harness import gateway, http

LISTED = {str(getattr(name, "value", name)) for name in provider_list}
# Those of openai_like/providers.json aren't all in the list.
PROVIDERS = sorted(LISTED.union(JSONProviderRegistry.list_providers()))
NOWHERE = "https://nowhere.example"
AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-east-1"}
# Whatever a provider needs besides a key until it is asked at all.
ASKED_AT = (
    "a2a", "azure", "azure_ai", "azure_text", "cloudflare", "custom", "databricks",
    "databricks_agent", "heroku", "oobabooga", "snowflake",
)  # fmt: skip
NEEDED: dict[str, dict] = {
    **{name: {"api_base": f"{NOWHERE}/v1"} for name in ASKED_AT},
    **dict.fromkeys(("bedrock", "sagemaker", "sagemaker_chat", "sagemaker_nova"), AWS),
    "clarifai": {"model": "clarifai/openai.chat-completion.gpt-4o"},
    "gdc": {"api_base": NOWHERE, "vertex_project": "p", "vertex_location": "l"},
    "huggingface": {"model": "huggingface/together/deepseek-ai/DeepSeek-R1"},
    "predibase": {"predibase_tenant_id": "t"},
    "ragflow": {"model": "ragflow/chat/1/m", "api_base": f"{NOWHERE}/v1"},
    "triton": {"api_base": f"{NOWHERE}/generate"},
    "watsonx": {"api_base": NOWHERE, "project_id": "p"},
}
# On Vertex AI one of each publisher's formats, and a model that somebody has deployed there.
VERTEX = (
    "vertex_ai/gemini-2.5-flash", "vertex_ai_beta/gemini-2.5-pro",
    "vertex_ai/claude-haiku-4-5@20251001", "vertex_ai/meta/llama-4-scout-17b-16e-instruct-maas",
    "vertex_ai/mistral-small-2503", "vertex_ai/deepseek-ai/deepseek-v3.1-maas",
    "vertex_ai/openai/gpt-oss-20b-maas",
)  # fmt: skip
OWN_ENDPOINT = "vertex_ai/openai/1234567890"
NO_NETWORK = re.compile(
    r"Cannot connect|Connection error|Name or service not known|Can not write request body"
    r"|Microsoft Graph request failed"
)
NO_CREDENTIALS = re.compile(r"[Cc]redentials found in any source|Missing required parameters")
# LiteLLM has no chat for these, or no such model of theirs.
NO_CHAT = re.compile(r"Unmapped LLM provider|Unknown ScaleDown model|fal_ai chat completions")
INSIDE = re.compile(
    r"Traceback|No module named|ImportError|pip install|site-packages|\.py\b|LlmProv"
)
LEFT_OUT = ("auto_router", *SUBSCRIPTIONS, *LEFT_OUT_PACKAGES)


class Asked(NamedTuple):
    answers: dict[tuple[str, bool], str]
    log: str


def entry(name: str, **params: str) -> dict:
    return {
        "model_name": name,
        "litellm_params": {"model": f"{name}/some-model", "api_key": "k", **params},
    }


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """What each of them answers, in whole and streamed, where nobody is reached."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "adc.json").write_text(service_account(NOWHERE))
    models = [entry(name, **NEEDED.get(name, {})) for name in PROVIDERS if "vertex" not in name]
    for model in (*VERTEX, OWN_ENDPOINT):
        own = {"model": model, "vertex_credentials": "./adc.json"}
        models.append(entry(model, **own))
    calls = [(one["model_name"], stream) for one in models for stream in (False, True)]
    python = image.environment(folder / "python")
    with gateway(folder, {"model_list": models}, python, fresh=True) as running:

        def ask(call: tuple[str, bool]) -> str:
            messages = [{"role": "user", "content": "Hello"}]
            body = {"model": call[0], "stream": call[1], "messages": messages}
            return json.dumps(http(f"{running.url}/v1/chat/completions", body, key=running.key)[1])

        with ThreadPoolExecutor(4) as pool:
            answers = dict(zip(calls, pool.map(ask, calls), strict=True))
        yield Asked(answers, running.log)


@pytest.mark.timeout(400)
def test_every_provider_gets_as_far_as_its_network_in_the_images_packages(asked: Asked) -> None:
    left_out = (*LEFT_OUT, OWN_ENDPOINT)
    served = {call: said for call, said in asked.answers.items() if call[0] not in left_out}
    known = (NO_NETWORK, NO_CREDENTIALS, NO_CHAT)
    other = [f"{c}: {s}" for c, s in served.items() if not any(one.search(s) for one in known)]
    assert not other, "\n".join(other)
    assert sum(bool(NO_NETWORK.search(said)) for said in served.values()) > 250


@pytest.mark.timeout(400)
def test_no_answer_shows_the_inside_of_python(asked: Asked) -> None:
    assert {call: said for call, said in asked.answers.items() if INSIDE.search(said)} == {}
    assert INSIDE.findall(asked.log) == []


@pytest.mark.timeout(400)
def test_an_endpoint_of_ones_own_on_vertex_says_that_its_package_is_left_out(asked: Asked) -> None:
    for stream in (False, True):
        assert (
            "needs a Python package that this gateway's image leaves"
            in (asked.answers[OWN_ENDPOINT, stream])
        )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("provider", [*SUBSCRIPTIONS, *LEFT_OUT_PACKAGES])
def test_what_is_left_out_on_purpose_has_its_cure(asked: Asked, provider: str) -> None:
    cure = LEFT_OUT_PACKAGES.get(provider, f"vui-gateway sign-in {provider}")
    assert cure in asked.log
    assert "serves no model" in asked.answers[provider, True]


# Of openai_like/providers.json but not of LiteLLM's list; and of the list, without a configuration.
UNKNOWN = ("sarvam", "veniceai", "aihubmix", "aiml", "xinference")


def test_a_provider_that_litellms_one_client_does_not_know_answers_and_is_asked_once(
    tmp_path: Path,
) -> None:
    stand_in = OpenAI()
    with serving(stand_in.app) as url:
        models = [entry(name, api_base=f"{url}/v1") for name in UNKNOWN]
        with gateway(tmp_path, {"model_list": models}) as running:

            def ask(name: str, stream: bool) -> str:
                messages = [{"role": "user", "content": "Hello"}]
                body = {"model": name, "stream": stream, "messages": messages}
                return str(http(f"{running.url}/v1/chat/completions", body, key=running.key)[1])

            for name in UNKNOWN:
                for stream in (False, True):
                    words = ask(name, stream)
                    assert "doing alright." in words, words
            assert len(stand_in.seen) == 2 * len(UNKNOWN)
            stand_in.clear(fault=400)
            assert "provider_refused" in ask("sarvam", stream=True)
            assert len(stand_in.seen) == 1  # OpenAI's SDK asks no second time
