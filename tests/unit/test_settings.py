import pytest

from vui_litellm.settings import DEFAULT_MODEL, DEFAULT_URL, SettingError, Settings


def settings(**values: str) -> Settings:
    return Settings.from_env({f"VUI_LITELLM_{name}": value for name, value in values.items()})


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings() == Settings(DEFAULT_URL, DEFAULT_MODEL, None, None, 8192, True)


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings(URL="", MODEL=" ", KEY="", CONTEXT="", SPEAK_ERRORS="") == settings()


def test_the_key_can_come_from_a_file(tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-from-file\n")
    assert settings(KEY_FILE=str(file)).key == "sk-from-file"
    assert settings(KEY="sk-own", KEY_FILE=str(file)).key == "sk-own"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "localhost:4000"),
        ("URL", "http://"),
        ("URL", "http://[::1"),
        ("KEY", "sk-wïth-accents"),
        ("KEY", "two words"),
        ("KEY_FILE", "/nowhere/key"),
        ("REASONING_EFFORT", "a lot"),
        ("CONTEXT", "8k"),
        ("CONTEXT", "0"),
        ("SPEAK_ERRORS", "maybe"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(**{name: value})
    assert str(caught.value).startswith(f"VUI_LITELLM_{name} ")
    assert "\n" not in str(caught.value)


def test_a_bad_key_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingError) as caught:
        settings(KEY="sk secret")
    assert "secret" not in str(caught.value)


def test_an_empty_key_file_says_so(tmp_path) -> None:
    (tmp_path / "key").touch()
    with pytest.raises(SettingError, match="VUI_LITELLM_KEY_FILE .* empty"):
        settings(KEY_FILE=str(tmp_path / "key"))
