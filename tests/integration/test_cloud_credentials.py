"""Vertex AI and Bedrock without credentials, which a metadata server is asked for; it is silent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from tests.matrix.conversations import HELLO
from tests.providers.base import serving
from tests.providers.raw import LONGEST, RawProvider, raw_provider
from tests.providers.vertex import LOCATION, PROJECT, VertexGemini, service_account
from tests.support.harness import Program, gateway, paid
from tests.support.poll import wait_until


def silent(_: bytes) -> Iterator[object]:
    """What 169.254.169.254 may be outside of Google's cloud: https://google.aip.dev/auth/4115"""
    yield LONGEST


def asked(program: Program, model: str) -> tuple[float, str, str]:
    """Seconds of a turn, and the code and words of its error; empty for none."""
    began = time.monotonic()
    answer = httpx.post(
        f"{program.url}/v1/chat/completions",
        json={"model": model, "messages": HELLO, "stream": True},
        headers={"authorization": f"Bearer {program.key}"},
        timeout=60,
    )
    failed = json.loads(answer.text).get("error", {}) if answer.status_code >= 400 else {}
    return time.monotonic() - began, failed.get("code", ""), failed.get("message", "")


@dataclass
class Vertex:
    """A gateway on a model of Vertex AI without credentials; and the metadata server."""

    program: Program
    metadata: RawProvider
    vertex: VertexGemini
    url: str

    def turn(self) -> tuple[float, str, str]:
        return asked(self.program, "vertex")


def config(url: str, **params: str) -> dict:
    own = {"model": "vertex_ai/gemini-2.5-flash", "vertex_project": PROJECT, "api_base": url}
    params = {**own, "vertex_location": LOCATION, **params}
    return {"model_list": [{"model_name": "vertex", "litellm_params": params}]}


@pytest.fixture
def vertex(tmp_path: Path) -> Iterator[Vertex]:
    stand_in = VertexGemini()
    with ExitStack() as stack:
        metadata = stack.enter_context(raw_provider(silent))
        url = stack.enter_context(serving(stand_in.app))
        address = metadata.url.removeprefix("http://")
        env = {
            "GCE_METADATA_IP": address, "GCE_METADATA_HOST": address, "GCE_METADATA_TIMEOUT": "2",
            "HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path),
        }  # fmt: skip
        program = stack.enter_context(gateway(tmp_path, config(url), env, fresh=True))
        yield Vertex(program, metadata, stand_in, url)


def test_missing_credentials_are_looked_for_once_and_not_at_each_turn(vertex: Vertex) -> None:
    vertex.turn()  # it waits in vain
    wait_until(lambda: "Google's credentials" in vertex.turn()[2], 30, "the search is over")
    looked = len(vertex.metadata.seen)
    seconds, code, words = vertex.turn()
    assert (code, len(vertex.metadata.seen)) == ("provider_key_refused", looked)
    assert seconds < 1
    assert "write vertex_credentials: ./FILE.json" in words
    assert "write vertex_credentials: ./FILE.json" in vertex.program.log

    # An edit may have brought some.
    project = vertex.program.project
    (project / "sa.json").write_text(service_account(vertex.url))
    text = yaml.safe_dump(paid(config(vertex.url, vertex_credentials="./sa.json")))
    (project / "litellm_config.yaml").write_text(text)
    wait_until(lambda: vertex.turn()[1] == "", 20, "it answers")
    assert len(vertex.metadata.seen) == looked


def test_bedrock_without_credentials_fails_at_once_from_the_second_turn_on(tmp_path: Path) -> None:
    params = {"model": "bedrock/amazon.nova-lite-v1:0", "aws_region_name": "us-east-1"}
    models = {"model_list": [{"model_name": "bedrock", "litellm_params": params}]}
    with raw_provider(silent) as metadata:
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url, "HOME": str(tmp_path)}
        with gateway(tmp_path, models, env, fresh=True) as program:
            seconds, code, _ = asked(program, "bedrock")
            looked = len(metadata.seen)
            assert (code, looked > 0, seconds > 1) == ("provider_key_refused", True, True)
            seconds, code, words = asked(program, "bedrock")
            assert (code, len(metadata.seen)) == ("provider_key_refused", looked)
            assert seconds < 1
            assert "put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into .env" in words
            assert "put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into .env" in program.log
            assert "Put a valid" not in program.log
