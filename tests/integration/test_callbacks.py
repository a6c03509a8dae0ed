"""The user's callbacks and cache: in force after the start and each edit, and no turn waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.edits import EditedGateway
from tests.support.harness import ROOT, Program, gateway, openai_model
from tests.support.poll import wait_until

# Each writes a line for each call that it hears of; its constructor needs a running loop, as many
# of LiteLLM's own do.
MODULE = """
import asyncio
from pathlib import Path
from litellm.integrations.custom_logger import CustomLogger


class Ear(CustomLogger):
    def __init__(self, name):
        super().__init__()
        self.path = Path(__file__).with_name(name)
        self.task = asyncio.create_task(self.tick())

    async def tick(self):
        self.path.with_suffix(".ticks").write_text("one")

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        with self.path.open("a") as heard:
            heard.write("ok\\n")


one = Ear("one.heard")
"""
MODULES = {
    "ears": MODULE,
    "second": MODULE.replace("one.heard", "two.heard"),
    "failing": "raise OSError('the disk of the callback is gone')\n",
    "hanging": "import time\ntime.sleep(1000)\n",
    "leaving": "import sys\nsys.exit(3)\n",
}


@pytest.fixture
def stand_in() -> Iterator[tuple[OpenAI, str]]:
    one = OpenAI()
    with serving(one.app) as url:
        yield one, f"{url}/v1"


def lab_of(program: Program, stand_in: tuple[OpenAI, str], config: dict) -> EditedGateway:
    return EditedGateway(program, {"one": stand_in[1]}, {"one": stand_in[0]}, config)


def written(folder: Path) -> dict[str, str]:
    """Modules of callbacks; returns the environment in which they are found."""
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": f"{folder}:{ROOT}"}


def heard(folder: Path, name: str) -> int:
    path = folder / f"{name}.heard"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_callback_that_cannot_start_is_named_once_and_the_others_hear_each_call(
    tmp_path: Path, stand_in: tuple[OpenAI, str]
) -> None:
    env = written(tmp_path)
    names = ["ears.one", "failing.one", "leaving.one", "nowhere.one"]
    config = {
        "model_list": [openai_model("a", stand_in[1])],
        "litellm_settings": {"callbacks": names},
    }
    with gateway(tmp_path, config, env) as program:
        lab = lab_of(program, stand_in, config)
        for name in names[1:]:
            line = f"litellm_settings.callbacks {name} is left out, it can't start ("
            wait_until(partial(is_logged, program, line), 10, lambda: program.log)
            assert program.log.count(line) == 1
            assert program.log.index("Ready at ") < program.log.index(line)
            assert line in program.status().stdout
        assert "the disk of the callback is gone" in program.log
        assert "Traceback" not in program.log
        for stream in (True, False):
            assert lab.ask("a", stream=stream)[0] == 200
        wait_until(lambda: heard(tmp_path, "one") == 2, 5, "two calls were heard of")
        assert (tmp_path / "one.ticks").exists()  # a task of its constructor has run


@pytest.mark.parametrize("setting", ["callbacks", "success_callback"])
def test_an_edit_exchanges_callbacks_without_a_restart(
    tmp_path: Path, stand_in: tuple[OpenAI, str], setting: str
) -> None:
    env = written(tmp_path)
    config: dict[str, Any] = {"model_list": [openai_model("a", stand_in[1])]}
    with gateway(tmp_path, config, env) as program:
        lab = lab_of(program, stand_in, config)
        for names, heard_then in ((["ears.one"], (1, 0)), (["second.one"], (1, 1)), ([], (1, 1))):
            config["litellm_settings"] = {setting: names}
            assert "is not in force" not in lab.save()
            lab.ask("a")
            wait_until(partial(hears, tmp_path, heard_then), 5, f"{names} have heard")
        time.sleep(0.3)  # what nobody is to hear can't be waited for
        assert hears(tmp_path, (1, 1))


def is_logged(program: Program, line: str) -> bool:
    return line in program.log


def hears(folder: Path, counts: tuple[int, int]) -> bool:
    return (heard(folder, "one"), heard(folder, "two")) == counts


def test_a_callback_that_hangs_is_given_up_while_calls_go_on(
    tmp_path: Path, stand_in: tuple[OpenAI, str]
) -> None:
    env = written(tmp_path)
    config: dict[str, Any] = {
        "model_list": [openai_model("a", stand_in[1])],
        "litellm_settings": {"callbacks": ["hanging.one", "ears.one"]},
    }
    with gateway(tmp_path, config, env) as program:
        lab = lab_of(program, stand_in, config)
        began = time.monotonic()
        assert lab.ask("a")[0] == 200
        config["model_list"].append(lab.model("b", "one"))
        lab.save()  # an edit doesn't wait for it
        assert lab.ask("b")[0] == 200
        assert time.monotonic() - began < 8
        line = "hanging.one is left out, it can't start (it takes more than 10 seconds)"
        wait_until(lambda: line in program.log, 20, lambda: program.log)
        lab.ask("a")
        wait_until(lambda: heard(tmp_path, "one") >= 1, 5, "the other one has heard")
        assert program.stop() == 0  # the thread that hangs holds nothing up


def test_a_redis_that_is_not_there_delays_no_start(
    tmp_path: Path, stand_in: tuple[OpenAI, str]
) -> None:
    config = {
        "model_list": [openai_model("a", stand_in[1])],
        "litellm_settings": {
            "cache": True, "cache_params": {"type": "redis", "host": "127.0.0.1", "port": 9}
        },
    }  # fmt: skip
    with gateway(tmp_path, config) as program:
        lab = lab_of(program, stand_in, config)
        line = "litellm_settings.cache is left out, it can't start ("
        assert line not in program.log
        assert lab.ask("a")[0] == 200
        wait_until(lambda: line in program.log, 15, lambda: program.log)
        assert lab.ask("a")[0] == 200


def test_a_cache_is_kept_by_an_edit_of_something_else(tmp_path: Path) -> None:
    with serving((stand_in := OpenAI()).app) as url:
        config: dict[str, Any] = {
            "model_list": [openai_model("a", f"{url}/v1")],
            "litellm_settings": {"cache": True, "cache_params": {"type": "local"}},
        }
        with gateway(tmp_path, config) as program:
            lab = EditedGateway(program, {"one": f"{url}/v1"}, {"one": stand_in}, config)
            wait_until(lambda: _is_cached(lab), 10, "the cache is in force")
            config["model_list"].append(lab.model("b", "one"))
            assert "is not in force" not in lab.save()
            stand_in.clear()
            assert [lab.ask("a")[0], lab.asked("one")] == [200, 0]
            del config["litellm_settings"]["cache"]
            lab.save()
            assert [lab.ask("a")[0], lab.asked("one")] == [200, 1]


def _is_cached(lab: EditedGateway) -> bool:
    lab.stand_ins["one"].clear()
    lab.ask("a")
    return lab.asked("one") == 0
