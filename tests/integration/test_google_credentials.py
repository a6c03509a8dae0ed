"""Vertex AI without credentials, which Google's metadata server is asked for; here it is silent."""

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


@dataclass
class Vertex:
    """A gateway on a model of Vertex AI without credentials; and the metadata server."""

    program: Program
    metadata: RawProvider
    vertex: VertexGemini
    url: str

    def turn(self) -> tuple[float, str, str]:
        """Seconds, and the code and words of its error; empty for none."""
        began = time.monotonic()
        answer = httpx.post(
            f"{self.program.url}/v1/chat/completions",
            json={"model": "vertex", "messages": HELLO, "stream": True},
            headers={"authorization": f"Bearer {self.program.key}"},
            timeout=60,
        )
        failed = json.loads(answer.text).get("error", {}) if answer.status_code >= 400 else {}
        return time.monotonic() - began, failed.get("code", ""), failed.get("message", "")


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
