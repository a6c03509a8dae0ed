"""Random requests and configurations: no 500, no crash, no hang. `make fuzz` tries 20,000."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vui_gateway.api.schema import ChatRequest
from vui_gateway.config.file import ConfigError, read_config

from tests.providers.openai import OpenAI
from tests.support.harness import ROOT, Program
from tests.support.report import LONG, record, rss_mb

EXAMPLES = int(os.environ.get("FUZZ") or "300")
TRIES = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES < 1000,
)
pytestmark = pytest.mark.timeout(3600)

leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
anything = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "x"]), "content": st.text()},
    optional={"name": st.text(max_size=5), "tool_calls": anything, "ts": leaf},
)
tool = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["function", "mcp"]),
        "function": st.fixed_dictionaries({"name": st.text()}),
    }
)
likely = {
    "model": st.sampled_from(["gpt-4.1-mini", "demo", "vui", "nope"]),
    "messages": st.lists(message, max_size=4),
    "stream": st.booleans(),
    "stop": st.lists(st.text(max_size=5), max_size=12) | st.text(max_size=5),
    "tools": st.lists(tool, max_size=2),
    "temperature": st.floats(-1, 3),
    "max_tokens": st.integers(-1, 10**7),
    "reasoning_effort": st.text(max_size=8),
}
request_body = st.dictionaries(
    st.sampled_from(sorted(ChatRequest.model_fields)), anything, max_size=4
).flatmap(
    lambda odd: (
        st.fixed_dictionaries({}, optional=likely).map(lambda good: {**good, **odd})
        | st.fixed_dictionaries(likely)
    )
)
# What a stand-in may answer; 408 and 429 are a deployment's, 5xx would be ours.
EXPECTED = {200, 400, 404, 408, 413, 422, 429}


@pytest.fixture(scope="module")
def client(shared_gateway: Program) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {shared_gateway.key}"}
    with httpx.Client(base_url=shared_gateway.url, headers=headers, timeout=20) as opened:
        yield opened


def test_random_requests_get_an_answer(
    client: httpx.Client, shared_gateway: Program, openai: OpenAI
) -> None:
    statuses: dict[int, int] = {}
    before = rss_mb(shared_gateway.process.pid)

    @TRIES
    @given(request_body)
    def ask(body: dict) -> None:
        openai.seen.clear()
        answer = client.post("/v1/chat/completions", json=body)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in EXPECTED, (body, answer.text[:300])

    ask()
    assert shared_gateway.process.poll() is None
    grown = rss_mb(shared_gateway.process.pid) - before
    assert grown < 100 + EXAMPLES * 0.02
    seen = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    tried = sum(statuses.values())
    record("fuzz", "chat requests", f"{tried}: {seen}; memory {grown:+.0f} MB", LONG)


shipped = (ROOT / "litellm_config.yaml").read_text().splitlines()
entry = st.fixed_dictionaries(
    {},
    optional={
        "model_name": leaf,
        "litellm_params": st.dictionaries(
            st.sampled_from(["model", "api_key", "api_base", "order", "x"]),
            leaf | st.sampled_from(["openai/x", "opnai/x", "os.environ/X", "anthropic/claude"]),
            max_size=4,
        )
        | anything,
        "model_info": anything,
    },
)
documents = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200),
    anything.map(lambda value: yaml.safe_dump(value, allow_unicode=True)),
    st.dictionaries(
        st.sampled_from(
            ["model_list", "litellm_settings", "router_settings", "general_settings", "model_lst"]
        ),
        st.lists(entry, max_size=3) | anything,
        max_size=4,
    ).map(yaml.safe_dump),
    st.tuples(st.integers(0, len(shipped)), st.integers(0, 20), st.text(max_size=5)).map(
        lambda cut: "\n".join([*shipped[: cut[0]], cut[2], *shipped[cut[0] + cut[1] :]][:40])
    ),
)


def test_random_configurations_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "litellm_config.yaml"
    counts = {"read": 0, "refused": 0}

    @TRIES
    @given(documents)
    def read(document: str | bytes) -> None:
        if isinstance(document, bytes):
            path.write_bytes(document)
        else:
            path.write_text(document, encoding="utf-8", errors="replace")
        try:
            config = read_config(path, {})
            yaml.safe_dump([config.model_list, config.router_settings])
            counts["read"] += 1
        except ConfigError as error:
            said = str(error)
        else:
            return
        assert said.startswith(f"{path}:")
        assert "\n" not in said
        counts["refused"] += 1

    read()
    seen = f"{counts['read']} read, {counts['refused']} refused with their line"
    record("fuzz", "configurations", f"{sum(counts.values())}: {seen}", LONG)
