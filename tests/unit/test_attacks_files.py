"""What was found by attack in files that a user writes: nothing of a key is told, nothing ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from vui_gateway.config.file import ConfigError, read_config
from vui_gateway.config.left_out import by_reason
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.logs import MAX_REASON
from vui_gateway.redaction import credentials, redact

KEYS = ("sk-proj-Abc123Def456Ghi789", "gsk_Abc123Def456Ghi789Jkl012", "AIzaSyAbc123Def456Ghi789")


def written(folder: Path, **sections: object) -> Path:
    path = folder / "litellm_config.yaml"
    path.write_text(yaml.safe_dump(sections))
    return path


def model(**params: object) -> dict:
    return {"model_name": "vui", "litellm_params": {"model": "openai/gpt-4.1-mini", **params}}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_place_of_its_variables_name_is_told_nobody(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, model_list=[model(api_key=f"os.environ/{key}")])
    config = read_config(path, {})
    shown = [str(config.left_out), *by_reason(config.left_out), str(config.default)]
    assert not [text for text in shown if key in text]
    assert "api_key names no variable that is set (vui). Put it into .env" in shown[1]
    assert "Api key names no variable that is set in the model file." in config.default.demo


@pytest.mark.parametrize(
    ("section", "value"),
    [("model_group_alias", value) for value in ("text", 7, ["a"], [{"vui": "b"}], True)]
    + [("mode", value) for value in (["chat"], {"a": 1}, 7)],
)  # fmt: skip
def test_a_setting_of_the_wrong_kind_is_refused_with_its_line(
    tmp_path: Path, section: str, value: object
) -> None:
    info = {"model_info": {section: value}} if section == "mode" else {}
    router = {} if info else {"router_settings": {section: value}}
    path = written(tmp_path, model_list=[{**model(api_key="k"), **info}], **router)
    with pytest.raises(ConfigError, match=rf"litellm_config.yaml:\d+: (no mapping|.*{section})"):
        read_config(path, {})


async def test_what_a_callback_quotes_of_a_setting_holds_no_credential(tmp_path: Path) -> None:
    secret = "Hunter2-and-more-of-it"
    filler = "x" * (MAX_REASON - len(secret) // 2)  # cut in the middle, nobody would know it
    (tmp_path / "quoting.py").write_text(f"raise ValueError({filler + secret!r})")
    path = written(
        tmp_path,
        model_list=[model(api_key="k")],
        litellm_settings={"callbacks": ["quoting.one"], "cache_params": {"password": secret}},
    )
    config = read_config(path, {})
    redact.configure(credentials({}, vars(config)))
    callbacks = Callbacks()
    await callbacks.apply(config.litellm_settings, path, {})
    redact.configure([])
    (said,) = callbacks.failed
    assert "litellm_settings.callbacks quoting.one is left out" in said
    assert not [n for n in range(5, len(secret)) if secret[:n] in said]
