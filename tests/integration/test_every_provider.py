"""Every provider of LiteLLM's list, asked once with the packages of the gateway's image."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from litellm import provider_list
from litellm.llms.openai_like.json_loader import JSONProviderRegistry

from tests.support import image
from tests.support.harness import gateway, http

NAMES = sorted(
    {str(getattr(name, "value", name)) for name in provider_list}
    | {*JSONProviderRegistry.list_providers()}
)


BASE = {"api_base": "https://nowhere.example/v1"}
AWS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region_name": "us-east-1"}
NEEDED = {
 "ragflow": {"model": "ragflow/chat/1/m", **BASE},
 "clarifai": {"model": "clarifai/openai.chat-completion.gpt-4o"},
 "huggingface": {"model": "huggingface/together/deepseek-ai/DeepSeek-R1"},
 **dict.fromkeys(("azure","azure_text","azure_ai","oobabooga","a2a","triton","databricks","databricks_agent","custom","heroku","cloudflare", "openai_like","predibase","snowflake","ragflow"), BASE),
 **dict.fromkeys(("sagemaker","sagemaker_chat","sagemaker_nova","bedrock","bedrock_mantle"), AWS),
}
NEEDED["ragflow"] = {"model": "ragflow/chat/1/m", **BASE}
NEEDED["predibase"] = {"predibase_tenant_id": "t"}
NEEDED["watsonx"] = {"project_id": "p", "api_base": "https://nowhere.example"}
@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every")
    models = []
    for n in NAMES:
        models.append(
            {"model_name": n, "litellm_params": {"model": f"{n}/some-model", "api_key": "k", **NEEDED.get(n, {})}}
        )
    with gateway(
        folder, {"model_list": models}, image.environment(folder / "python"), fresh=True
    ) as g:

        def ask(a):
            n, stream = a
            body = {"model": n, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
            return a, http(f"{g.url}/v1/chat/completions", body, key=g.key)

        with ThreadPoolExecutor(6) as pool:
            found = dict(pool.map(ask, [(n, s) for n in NAMES for s in (True, False)]))
        print(g.log)
        Path("/tmp/h21/every.json").write_text(
            json.dumps([[*k, *v] for k, v in found.items()], indent=0)
        )
        Path("/tmp/h21/every.log").write_text(g.log)
    return found


def test_x(asked):
    pass
