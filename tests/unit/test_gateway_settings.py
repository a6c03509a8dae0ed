"""What the gateway is told from outside."""

from pathlib import Path

import pytest
from vui_gateway.settings import SettingError, Settings


def load(folder: Path, text: str) -> Settings:
    (folder / ".env").write_text(text)
    return Settings.load({"VUI_GATEWAY_PROJECT": str(folder)})


def test_a_line_that_is_no_variable_is_named_and_the_others_count(tmp_path: Path) -> None:
    settings = load(tmp_path, "GROQ_API_KEY=k\n\nOPENAI_API_KEY: sk-secret\nTZ=UTC\n")
    assert settings.env["GROQ_API_KEY"] == "k"
    assert settings.env["TZ"] == "UTC"
    assert settings.warnings == [
        f"{tmp_path}/.env:3: can't be read, ignored. Write it as NAME=value."
    ]


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "VUI_LITELLM_BUDGET=\nVUI_LITELLM_PRECONNECT=\n")
    assert (settings.budget, settings.preconnect) == (None, True)


def test_a_budget_in_dollars_and_a_switch_that_is_off(tmp_path: Path) -> None:
    settings = load(tmp_path, "VUI_LITELLM_BUDGET=0.50\nVUI_LITELLM_PRECONNECT=0\n")
    assert (settings.budget, settings.preconnect) == (0.5, False)


@pytest.mark.parametrize("value", ["a lot", "-1", "nan", "inf", "1e400", "$5", "1,5"])
def test_a_budget_that_is_no_amount_is_named_with_its_cure(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match=r"VUI_LITELLM_BUDGET is .*US dollars per day"):
        load(tmp_path, f"VUI_LITELLM_BUDGET='{value}'\n")


def test_a_switch_that_is_neither_on_nor_off_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"PRECONNECT is 'maybe'\. Use 1 \(on\) or 0"):
        load(tmp_path, "VUI_LITELLM_PRECONNECT=maybe\n")
