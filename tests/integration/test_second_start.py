"""A start with files that can't be used: the demo says why, and takes mended ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.edits import EditedGateway
from tests.support.harness import ROOT, Program, gateway, http, openai_model
from tests.support.poll import wait_until

GOOD = "model_list:\n  - model_name: m\n    litellm_params: {model: openai/m, mock_response: Hi.}\n"

# The model file, `.env`, what the log says in one line, and what the demo says.
BROKEN = {
    "bad YAML": ("model_list: [\n", "", ":2: while parsing", "Line 2 of"),
    "a slip": ("model_lsit: []\n", "", "unknown key 'model_lsit'. Did you", "mean model list?"),
    "an include": ("include: [a.yaml]\n", "", "include has no effect here", "Copy what it"),
    "a provider that is none": (GOOD.replace("openai/", "opnai/"), "", "'opnai'", "Line 3 of"),
    "a bad budget": (
        GOOD, "VUI_LITELLM_BUDGET=abc\n", "VUI_LITELLM_BUDGET is 'abc'. Write US dollars",
        "In the env file, VUI LITELLM BUDGET is abc. Write US dollars",
    ),
    "a short key": (GOOD, "VUI_LITELLM_KEY=short\n", "VUI_LITELLM_KEY can", "It is shorter"),
}  # fmt: skip


def said_by_vui(program: Program, model: str = "vui") -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    status, answer = http(f"{program.url}/v1/chat/completions", body, key=program.key)
    assert status == 200, answer
    return answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_said_by_the_demo_and_mended_ones_taken(tmp_path: Path, name: str) -> None:
    config, env, logged, said = BROKEN[name]
    (tmp_path / ".env").write_text(env)
    with gateway(tmp_path, config, key=None) as program:
        spoken = said_by_vui(program)
        assert spoken.startswith("Hi, I'm the demo. ")
        assert said in spoken
        assert not set("/`_{}[]") & set(spoken)
        (line,) = [text for text in program.log.splitlines() if logged in text]
        assert line.endswith("The demo answers until it is mended.")
        assert "Traceback" not in program.log
        status = program.cli("status")
        assert status.returncode == 1
        assert "vui is the demo: " in status.stdout
        (tmp_path / ".env").write_text("")
        (tmp_path / "litellm_config.yaml").write_text(GOOD)
        wait_until(lambda: program.status().returncode == 0, 10, program.status)
        models = http(f"{program.url}/v1/models", key=program.key)[1]["data"]
        assert "m" in [model["id"] for model in models]


# Of which each ended the start, or made it answer nothing.
WORST = """
litellm_settings: {fallbacks: [m], default_fallbacks: b, success_callback: , max_budget: }
router_settings: {routing_strategy: nonsense, cooldown_time: 1.0e+30, timeout: [1], tpm: x}
general_settings: [1]
tag_routing: 3
x-common: &c {a: 1}
"""


def test_the_worst_settings_leave_a_gateway_that_answers_at_the_start_and_at_an_edit(
    tmp_path: Path,
) -> None:
    with gateway(tmp_path, GOOD + WORST) as program:
        assert said_by_vui(program, "m") == "Hi."
        assert "routing_strategy is left out, LiteLLM refuses it (Invalid" in program.log
        assert "Traceback" not in program.log
        assert not program.status().stdout.count("can't be used")
        file = tmp_path / "litellm_config.yaml"
        file.write_text(GOOD + WORST.replace("nonsense", "rubbish") + "retries: 1\n")
        wait_until(lambda: "retries" in program.status().stdout, 10, program.status)
        assert said_by_vui(program, "m") == "Hi."


def test_no_file_and_an_unreadable_one_are_said_too(tmp_path: Path) -> None:
    with gateway(tmp_path, "", key=None) as program:
        assert "Line 1 of the model file can't be used: it is empty." in said_by_vui(program)
        (tmp_path / "litellm_config.yaml").unlink()
        wait_until(lambda: "there is no such file" in program.status().stdout, 5, program.status)
    (tmp_path / ".env").write_bytes(b"\xff\xfe=\n")
    with gateway(tmp_path, GOOD, key=None) as program:
        assert "The env file is no UTF-8 text. Save it as UTF-8." in said_by_vui(program)


@pytest.mark.parametrize(
    ("setting", "env", "logged"),
    [
        ("cache: true", "", "litellm_settings.cache is left out, it can't start ("),
        ("success_callback: [langfuse]", "", "langfuse needs a package that isn't here. Write"),
        ("drop_params: true", "OPENAPI_URL=nowhere\n",
         "OPENAPI_URL in .env is left out, LiteLLM can't start with it ("),
        ("drop_params: true", "DATABASE_URL=postgresql://u@localhost/x\n",
         "DATABASE_URL in .env has no effect here"),
    ],
)  # fmt: skip
def test_what_litellm_cannot_start_with_is_left_out_and_named(
    tmp_path: Path, setting: str, env: str, logged: str
) -> None:
    (tmp_path / ".env").write_text(env)
    with serving((stand_in := OpenAI()).app) as url:
        model = openai_model("m", f"{url}/v1")
        config = {"model_list": [model]}
        text = f"{yaml.safe_dump(config)}litellm_settings:\n  {setting}\n"
        with gateway(tmp_path, text) as program:
            assert said_by_vui(program)
            assert len(stand_in.seen) == 1
            wait_until(lambda: logged in program.log, 15, lambda: program.log)
            assert program.log.count(logged) == 1
            assert "Traceback" not in program.log


def test_after_a_start_without_bad_variables_an_edit_of_env_takes_effect(tmp_path: Path) -> None:
    bad = "OPENAPI_URL=nowhere\n"
    (tmp_path / ".env").write_text(f"{bad}ONE_API_KEY=sk-first-0123\n")
    with serving((stand_in := OpenAI()).app) as url:
        config = {"model_list": [openai_model("m", f"{url}/v1", api_key="os.environ/ONE_API_KEY")]}
        with gateway(tmp_path, config) as program:
            assert said_by_vui(program)
            (tmp_path / ".env").write_text(f"{bad}ONE_API_KEY=sk-second-0123\n")

            def seen() -> bool:
                said_by_vui(program)
                return "sk-second" in stand_in.seen[-1].headers["authorization"]

            wait_until(seen, 10, "the new key is sent")


def test_with_a_key_that_the_gateway_made_no_variable_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VUI_LITELLM_KEY", raising=False)
    # The last four would end the start of LiteLLM, the last one its warm-up.
    names = {
        "AWS_REGION_NAME": "eu-central-1", "TZ": "Europe/Berlin", "REDIS_HOST": "10.255.255.1",
        "LITELLM_MASTER_KEY": "sk-1234", "USE_DDTRACE": "true", "LITELLM_CONFIG_BUCKET_NAME": "x",
        "LITELLM_WORKER_STARTUP_HOOKS": "nowhere:it", "LITELLM_ANTHROPIC_DISABLE_URL_SUFFIX": "1",
    }  # fmt: skip
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in names.items()))
    with gateway(tmp_path, GOOD, key=None) as program:
        assert said_by_vui(program)
        assert "left out" not in program.log
        assert len(program.log.splitlines()) <= 5
        assert "No effect" not in program.log


@pytest.mark.parametrize(("name", "value"), [("PORT", "many"), ("PORT", "70000")])
def test_a_bad_port_ends_the_start_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vui_gateway", "serve"],
        env={**os.environ, "VUI_GATEWAY_PROJECT": str(tmp_path), f"VUI_GATEWAY_{name}": value},
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
    )
    assert done.returncode == 2
    assert f"VUI_GATEWAY_{name} is '{value}'." in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("others", [True, False])
def test_a_refused_key_is_answered_by_another_keys_model_else_named(
    tmp_path: Path, others: bool
) -> None:
    with serving((sick := OpenAI()).app) as one, serving((well := OpenAI()).app) as two:
        sick.clear(fault=401)
        models = [openai_model("vui", f"{one}/v1", api_key="os.environ/SICK_API_KEY")]
        if others:
            models.append(openai_model("b", f"{two}/v1", api_key="os.environ/WELL_API_KEY"))
        (tmp_path / ".env").write_text("SICK_API_KEY=sk-sick-0123\nWELL_API_KEY=sk-well-0123\n")
        with gateway(tmp_path, {"model_list": models}) as program:
            body = {"model": "vui", "messages": [{"role": "user", "content": "hi"}]}
            status, answer = http(f"{program.url}/v1/chat/completions", body, key=program.key)
            wait_until(
                lambda: "SICK_API_KEY of .env is refused by" in program.status().stdout, 5, "told"
            )
            who = program.status().stdout.splitlines()[1]
    if others:
        assert status == 200
        assert len(well.seen) == 1
        assert who.startswith("vui is b, in place of openai/vui, whose provider refused SICK_API")
    else:
        assert status == 401
        assert answer["error"]["code"] == "provider_key_refused"
        assert answer["error"]["param"] == "SICK_API_KEY"
        assert who.startswith("vui is openai/vui, whose provider refused SICK_API_KEY of .env: put")


def test_a_variable_that_was_left_out_at_the_start_stays_so(tmp_path: Path) -> None:
    env = {"OPENAPI_URL": "nowhere"}
    (tmp_path / ".env").write_text("OPENAPI_URL=nowhere\n")
    with serving((stand_in := OpenAI()).app) as url:
        config = {"model_list": [openai_model("a", f"{url}/v1")]}
        with gateway(tmp_path, config) as program:
            assert "OPENAPI_URL in .env is left out" in program.log
            lab = EditedGateway(program, {"one": f"{url}/v1"}, {"one": stand_in}, config, env)
            config["model_list"].append(lab.model("b", "one"))
            assert "is not in force" not in lab.save()
            lab.env["OPENAPI_URL"] = "elsewhere"
            assert "OPENAPI_URL in .env is not in force yet" in lab.save()
