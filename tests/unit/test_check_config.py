"""`vui-gateway check-config`: what would be made of a file."""

from __future__ import annotations

from pathlib import Path

import litellm
import pytest
from vui_gateway.cli import main

from tests.support.configs import model, written

UNSET, UNKNOWN = (model("b", f"{{model: {name}/b}}")[12:] for name in ("groq", "opnai"))
GOOD = model("a", "{model: openai/gpt-4.1, api_key: k}")


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VUI_GATEWAY_PROJECT", str(tmp_path))
    monkeypatch.setattr(litellm, "callbacks", [*litellm.callbacks])


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (GOOD, 0, "Serves vui, a.\nvui is a: the first model of litellm_config.yaml."),
        (GOOD + UNSET, 0, "Left out: GROQ_API_KEY is not set (b)."),
        (GOOD + UNKNOWN, 1, ":5: 'opnai' is no provider that LiteLLM"),
        (f"{GOOD}foo: 1\n", 1, "foo has no effect here."),
        (f"{GOOD}router_settings: {{routing_strategy: x}}\n", 1, "LiteLLM refuses it (Invalid"),
        (model("b", "{model: groq/b}"), 1, "vui is the demo: no model of litellm_config.yaml has"),
        ("model_list: [\n", 1, ":2: while parsing"),
    ],
)  # fmt: skip
def test_what_would_be_made_of_a_file_is_said_and_its_faults_are_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture, text: str, status: int, said: str
) -> None:
    written(tmp_path, text)
    assert main(["check-config"]) == status
    assert said in capsys.readouterr().out


def test_another_file_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(GOOD)
    assert main(["check-config", str(other)]) == 0
    assert "Serves vui, a." in capsys.readouterr().out


def test_settings_without_an_effect_are_said_with_their_cures_and_no_other_command(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    text = f"{GOOD}litellm_settings: {{request_timeout: 9, num_retries: 3, set_verbose: true}}\n"
    written(tmp_path, text)
    assert main(["check-config"]) == 1
    said = capsys.readouterr().out
    assert "No effect here: litellm_settings.request_timeout, litellm_settings.num_retries" in said
    assert "litellm_settings.set_verbose has no effect here. Write VUI_LITELLM_LOG=debug" in said
    assert "vui-gateway status" not in said
