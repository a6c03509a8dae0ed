import os

import pytest

from vui_litellm.settings import DEFAULT_MODEL, DEFAULT_URL, SettingError, Settings


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> object:
    def read(**values: str) -> Settings:
        for name in [name for name in os.environ if name.startswith("VUI_LITELLM_")]:
            monkeypatch.delenv(name)
        for name, value in values.items():
            monkeypatch.setenv(f"VUI_LITELLM_{name}", value)
        return Settings.from_env()

    return read


def test_an_empty_environment_gives_the_defaults(setting) -> None:
    options = setting().backend_options
    del options["read_key"]
    assert options == {
        "model": DEFAULT_MODEL, "base_url": DEFAULT_URL, "api_key": None, "reasoning_effort": None,
        "max_model_len": 8192, "speak_errors": True, "starts_ahead": True,
    }  # fmt: skip


def test_every_variable_of_vuis_side_reaches_the_backend(setting) -> None:
    options = setting(
        URL="https://a.example/v1/", MODEL="m", KEY=" sk-k-0123456789ab\n", REASONING_EFFORT="low",
        CONTEXT="4096", SPEAK_ERRORS="0", HEAD_START="0", BUDGET="1", PORT="4000",
    ).backend_options  # fmt: skip
    del options["read_key"]
    assert options == {
        "model": "m", "base_url": "https://a.example/v1", "api_key": "sk-k-0123456789ab",
        "reasoning_effort": "low", "max_model_len": 4096, "speak_errors": False,
        "starts_ahead": False,
    }  # fmt: skip


def test_an_empty_variable_counts_as_unset(setting) -> None:
    assert setting(URL="", MODEL=" ", KEY="", CONTEXT="", SPEAK_ERRORS="") == setting()


def test_the_key_can_come_from_a_file_and_is_read_again(setting, tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-from-file-0123\n")
    settings = setting(KEY_FILE=str(file))
    assert settings.key == "sk-from-file-0123"
    file.write_text("sk-rotated-012345\n")
    assert settings.read_key() == "sk-rotated-012345"
    file.unlink()
    assert settings.read_key() is None


def test_a_key_of_ones_own_wins_over_the_file(setting, tmp_path) -> None:
    settings = setting(KEY="sk-own-0123456789", KEY_FILE=str(tmp_path / "missing"))
    assert settings.key == "sk-own-0123456789"
    assert settings.read_key() is None


def test_the_key_is_not_shown_with_the_settings(setting) -> None:
    assert "sk-secret-0123456" not in repr(setting(KEY="sk-secret-0123456"))


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("URL", "localhost:4000", "http://localhost:4000"),
        ("URL", "http://", "http address"),
        ("URL", "http://[::1", "http address"),
        ("KEY", "sk-wïth-accents", "Copy the key again"),
        ("KEY", "two words", "Copy the key again"),
        ("KEY_FILE", "/nowhere/key", "Start the gateway first"),
        ("REASONING_EFFORT", "a lot", "none, minimal, low, medium, high, xhigh"),
        ("CONTEXT", "8k", "8192"),
        ("CONTEXT", "0", "8192"),
        ("SPEAK_ERRORS", "maybe", "1 (on) or 0 (off)"),
        ("HEAD_START", "maybe", "1 (on) or 0 (off)"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_with_the_setting_and_the_cure(
    setting, name: str, value: str, cure: str
) -> None:
    with pytest.raises(SettingError) as caught:
        setting(**{name: value})
    assert str(caught.value).startswith(f"VUI_LITELLM_{name} ")
    assert cure in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_devices_are_let_in_only_when_asked_for(setting, monkeypatch) -> None:
    for value, lan in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv("VUI_LAN", value)
        assert setting().lan is lan
    monkeypatch.setenv("VUI_LAN", "phone")
    with pytest.raises(SettingError, match=r"^VUI_LAN is 'phone'\. Use 1 "):
        setting()


def test_a_bad_key_is_not_repeated_in_the_message(setting, tmp_path) -> None:
    (tmp_path / "key").write_text("sk secret")
    for values in ({"KEY": "sk secret"}, {"KEY_FILE": str(tmp_path / "key")}):
        with pytest.raises(SettingError) as caught:
            setting(**values)
        assert "secret" not in str(caught.value)


def test_an_empty_key_file_says_so(setting, tmp_path) -> None:
    (tmp_path / "key").touch()
    with pytest.raises(SettingError, match="VUI_LITELLM_KEY_FILE .* empty"):
        setting(KEY_FILE=str(tmp_path / "key"))
