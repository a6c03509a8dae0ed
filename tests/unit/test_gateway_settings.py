"""What the gateway is told from outside."""

from pathlib import Path

import pytest
from vui_gateway.settings import SettingError, Settings


def load(folder: Path, text: str) -> Settings:
    (folder / ".env").write_text(text)
    return Settings.load({"VUI_GATEWAY_PROJECT": str(folder)})


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


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "601"])
def test_seconds_to_drain_that_are_none_are_named_with_their_cure(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(SettingError, match=r"VUI_GATEWAY_DRAIN_SECONDS is .*Use seconds such as 5"):
        Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path), "VUI_GATEWAY_DRAIN_SECONDS": value})
