"""What the gateway is told from outside."""

from pathlib import Path

import pytest
from vui_gateway.redaction import credentials
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


@pytest.mark.parametrize(
    "url", ["redis", "http://x", "redis://", "redis://:pw-12345@h:0", "redis://h:x"]
)
def test_an_address_of_redis_that_is_none_is_named_without_its_password(
    tmp_path: Path, url: str
) -> None:
    given = {"VUI_GATEWAY_PROJECT": str(tmp_path)}
    with pytest.raises(SettingError, match=r"VUI_GATEWAY_REDIS_URL can't be used\. Write") as told:
        Settings.load({**given, "VUI_GATEWAY_REDIS_URL": url})
    assert "pw-12345" not in str(told.value)


def test_an_address_of_redis_may_be_in_a_file_and_its_password_is_a_credential(
    tmp_path: Path,
) -> None:
    (tmp_path / "redis").write_text("redis://:correct-horse-1@host:6379/0\n")
    given = {"VUI_GATEWAY_PROJECT": str(tmp_path)}
    file = {"VUI_GATEWAY_REDIS_URL_FILE": str(tmp_path / "redis")}
    settings = Settings.load({**given, **file})
    assert settings.redis_url == "redis://:correct-horse-1@host:6379/0"
    assert ("VUI_GATEWAY_REDIS_URL", "correct-horse-1") in credentials(settings.env)
    with pytest.raises(SettingError, match=r"REDIS_URL_FILE: .*gone can't be read"):
        Settings.load({**given, "VUI_GATEWAY_REDIS_URL_FILE": str(tmp_path / "gone")})


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "601"])
def test_seconds_to_drain_that_are_none_are_named_with_their_cure(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(SettingError, match=r"VUI_GATEWAY_DRAIN_SECONDS is .*Use seconds such as 5"):
        Settings.load({"VUI_GATEWAY_PROJECT": str(tmp_path), "VUI_GATEWAY_DRAIN_SECONDS": value})


@pytest.mark.parametrize("name", ["BUDGET", "HEDGE", "FILLERS", "CALLS", "CONTEXT", "LOG"])
def test_a_huge_value_is_shown_and_spoken_in_part(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=f"VUI_LITELLM_{name} is 'xxx") as refused:
        load(tmp_path, f"VUI_LITELLM_{name}={'x' * 100_000}\n")
    assert len(str(refused.value)) < 350
    assert len(refused.value.spoken) < 350
