"""Callbacks that a file names and that can't work."""

from __future__ import annotations

from pathlib import Path

import litellm
import pytest
from vui_gateway.config.file import read_config
from vui_gateway.litellm_proxy.callback_names import FOR_ALL, FOR_ONE, known

from tests.support.configs import TWO, written

NONE = "is no callback that the gateway has."
LACKS = "needs a package that isn't here. Remove it."


@pytest.mark.parametrize(
    ("setting", "name", "said"),
    [
        ("success_callback", "nosuch", f"{NONE} Remove it."),
        ("callbacks", "nosuch", f"{NONE} Remove it."),
        ("callbacks", "promethius", f"{NONE} Did you mean 'prometheus'?"),
        (
            "callbacks",
            "Langsmith",
            f"{NONE} Did you mean 'langsmith'?",
        ),
        ("callbacks", "helicone", "has no effect there. Write it as success_callback."),
        ("callbacks", "s3", "has no effect there. Write it as success_callback."),
        ("failure_callback", "presidio", "has no effect there. Write it as callbacks."),
        *(
            (setting, name, LACKS)
            for setting in ("callbacks", "success_callback")
            for name in ("sentry", "slack", "supabase", "lunary", "traceloop", "mlflow", "Sentry")
        ),
        ("success_callback", "wandb", "needs a package that isn't here. Write weave_otel"),
        ("callbacks", "Langfuse", "needs a package that isn't here. Write langfuse_otel"),
    ],
)
def test_a_callback_that_cannot_work_is_taken_out_with_its_cure(
    tmp_path: Path, setting: str, name: str, said: str
) -> None:
    text = f"{TWO}litellm_settings:\n  {setting}: [{name}, prometheus]\n"
    config = read_config(path := written(tmp_path, text), {})
    (warning,) = config.warnings
    assert warning.startswith(f"{path}:7: litellm_settings.{setting} {name} {said}")
    assert config.litellm_settings[setting] == ["prometheus"]


def test_callbacks_that_may_work_stay(tmp_path: Path) -> None:
    for setting, names in {
        "callbacks": ["otel", "presidio", "mine.one", "os.environ/CALLBACK"],
        "success_callback": ["helicone", "langsmith", "mine.one"],
    }.items():
        config = read_config(
            written(tmp_path, f"{TWO}litellm_settings: {{{setting}: {names}}}"), {}
        )
        assert (config.warnings, config.litellm_settings[setting]) == ([], names)


def test_litellm_lists_none_of_the_names_that_we_add() -> None:
    listed = set(litellm._known_custom_logger_compatible_callbacks)
    assert not listed & (FOR_ALL | FOR_ONE)
    assert listed < known("callbacks")
