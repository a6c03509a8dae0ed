"""What the log says of a callback that fails."""

from __future__ import annotations

import asyncio
import io
import logging
from pathlib import Path

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.litellm_proxy.callbacks import Callbacks
from vui_gateway.logs import MAX_REASON, make_handler
from vui_gateway.redaction import credentials, redact

from tests.support.configs import entry, saved

NOISY = """
import asyncio, logging
from litellm.integrations.custom_logger import CustomLogger
log = logging.getLogger("LiteLLM")
log.warning("I can't start")


class Ear(CustomLogger):
    def __init__(self):
        super().__init__()
        asyncio.create_task(self.tick())

    async def tick(self):
        log.warning("I have lost my server")


one = Ear()
"""


async def test_of_a_callback_only_what_it_says_after_its_start_is_heard(
    tmp_path: Path,
) -> None:
    handler = make_handler(said := io.StringIO())
    logging.getLogger("LiteLLM").addHandler(handler)
    (tmp_path / "noisy_callback.py").write_text(NOISY)
    callbacks = Callbacks()
    names = {"callbacks": ["noisy_callback.one"]}
    await callbacks.apply(names, tmp_path / "litellm_config.yaml", {})
    await asyncio.sleep(0.05)
    await callbacks.apply({}, tmp_path, {})
    logging.getLogger("LiteLLM").removeHandler(handler)
    assert callbacks.failed == []
    assert said.getvalue() == "LiteLLM: I have lost my server\n"


async def test_what_a_callback_quotes_of_a_setting_holds_no_credential(tmp_path: Path) -> None:
    secret = "Hunter2-and-more-of-it"
    filler = "x" * (MAX_REASON - len(secret) // 2)  # cut in the middle, nobody would know it
    (tmp_path / "quoting.py").write_text(f"raise ValueError({filler + secret!r})")
    path = saved(
        tmp_path,
        model_list=[entry(api_key="k")],
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


async def test_nothing_is_installed_for_a_callback_that_a_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("subprocess.check_call", asked.append)
    callbacks = Callbacks()
    await callbacks.apply({"success_callback": ["slack", "sentry"]}, tmp_path, {})
    assert len([one for one in callbacks.failed if "needs a package that isn't here" in one]) == 2
    assert not asked
