"""A real configuration's key, budget and log settings, on one gateway that follows its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.edits import EditedGateway
from tests.support.harness import gateway, http, openai_model
from tests.support.logs import lines_of
from tests.support.poll import wait_until

FIRST, SECOND, THIRD = (f"sk-{name}-0123456789" for name in ("first", "second", "third"))
# Each was named by a report, or is of a type that it can't have.
ODD: list[dict[str, Any]] = [
    {
        "general_settings": dict.fromkeys(("master_key", "max_budget"), value),
        "litellm_settings": dict.fromkeys(
            ("callbacks", "success_callback", "cache", "cache_params", "max_budget", "json_logs",
             "budget_duration", "drop_params"), value
        ),
    }
    for value in (None, "x", 7, [5], {"a": "b"})
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EditedGateway]:
    with serving((stand_in := OpenAI()).app) as url:
        config: dict[str, Any] = {
            "model_list": [openai_model(f"m{n}", f"{url}/v1", num_retries=2) for n in range(60)],
            "litellm_settings": {
                "json_logs": True, "set_verbose": True, "cache": True, "num_retries": 3,
                "cache_params": {"type": "local"}, "max_budget": 2.0, "budget_duration": "1d",
            },
            "general_settings": {"master_key": FIRST, "alerting": ["slack"],
                                 "database_url": "os.environ/DATABASE_URL"},
        }  # fmt: skip
        folder = tmp_path_factory.mktemp("lab")
        env = {"DATABASE_URL": "postgresql://u:hunter22@127.0.0.1:9/x"}
        (folder / ".env").write_text("DATABASE_URL=postgresql://u:hunter22@127.0.0.1:9/x\n")
        with gateway(folder, config, key=None) as program:
            yield EditedGateway(program, {"one": f"{url}/v1"}, {"one": stand_in}, config, env)


def let_in(lab: EditedGateway, *keys: str) -> list[bool]:
    return [http(f"{lab.program.url}/v1/models", key=key)[0] == 200 for key in keys]


def test_a_start_is_a_few_lines_of_ours_with_the_address_last(lab: EditedGateway) -> None:
    lines = lines_of(lab.program.log)
    assert len(lines) == 4
    assert ":" in lines[0]
    assert "general_settings.master_key is in force. It is a secret: put it into .env" in lines[0]
    names = (
        "DATABASE_URL in .env; litellm_settings.json_logs, litellm_settings.set_verbose, "
        "litellm_settings.num_retries, litellm_params.num_retries, general_settings.alerting, "
        "general_settings.database_url"
    )
    assert lines[1].startswith(f"No effect here: {names}. ")
    assert lines[2].startswith("Serving vui, m0, m1, m2, m3 and 56 more. vui is m0: ")
    assert lines[3] == f"Ready at {lab.program.url}"


def test_the_status_lists_all_models_the_cures_and_the_budget(lab: EditedGateway) -> None:
    said = lab.program.status().stdout
    assert ", m59" in said.splitlines()[0]
    assert "litellm_settings.set_verbose has no effect here. Write VUI_LITELLM_LOG=debug" in said
    assert said.count("litellm_params.num_retries has no effect here. ") == 1
    assert "Today (UTC): 0.0000 of 2.00 USD." in said
    assert FIRST not in said + lab.program.log
    assert "hunter22" not in said + lab.program.log


def test_an_edit_that_only_shifts_lines_says_nothing_again(lab: EditedGateway) -> None:
    before = len(lab.program.log)
    path = lab.program.project / "litellm_config.yaml"
    path.write_text("# shifted\n\n" + path.read_text())
    wait_until(lambda: "Serving " in lab.program.log[before:], 10, "the edit is in force")
    (line,) = lines_of(lab.program.log[before:])
    assert line.startswith("Serving ")


def test_a_changed_key_takes_effect_at_once_and_env_wins(lab: EditedGateway) -> None:
    assert let_in(lab, FIRST) == [True]
    lab.env["LITELLM_MASTER_KEY"] = SECOND
    lab.config["general_settings"] = {"master_key": "os.environ/LITELLM_MASTER_KEY"}
    lab.save()
    assert let_in(lab, SECOND, FIRST) == [True, False]
    key_file = lab.program.project / "key"
    assert key_file.read_text() == f"{SECOND}\n"
    assert key_file.stat().st_mode & 0o777 == 0o440
    lab.config["general_settings"] = {"master_key": "sk-1234"}
    assert "master_key is ignored, the key stays as it is. It is shorter" in lab.save()
    assert let_in(lab, SECOND, "sk-1234") == [True, False]
    lab.env["VUI_LITELLM_KEY"] = THIRD
    lab.save()
    assert let_in(lab, THIRD, SECOND) == [True, False]
    del lab.env["VUI_LITELLM_KEY"], lab.env["LITELLM_MASTER_KEY"]
    lab.config["general_settings"] = {}
    lab.save()
    assert let_in(lab, THIRD) == [True]
    assert not any(key in lab.program.log for key in (FIRST, SECOND, THIRD))
    assert "takes effect after docker compose restart" not in lab.program.log


def test_no_empty_setting_and_none_of_a_wrong_type_ends_or_blocks_the_service(
    lab: EditedGateway,
) -> None:
    models = lab.config["model_list"] = lab.config["model_list"][:1]
    lab.program.key = (lab.program.project / "key").read_text().strip()
    for settings in ODD:
        lab.config.clear()
        lab.config.update({"model_list": models, **settings})
        lab.save()
        assert lab.ask("m0")[0] == 200, settings
        assert lab.program.process.poll() is None
    assert "Traceback" not in lab.program.log
    assert "bug in vui-litellm" not in lab.program.log


def test_an_edit_at_which_litellms_parts_in_rust_panic_is_refused_and_the_next_one_counts(
    lab: EditedGateway,
) -> None:
    lab.config.clear()
    lab.config.update(model_list=[lab.model("m0", "one")])
    lab.config["litellm_settings"] = {"default_in_memory_ttl": 1e30}
    assert "LiteLLM refuses it (cannot convert float seconds" in lab.save()
    del lab.config["litellm_settings"]
    assert "refuses it" not in lab.save()


def test_a_file_that_was_never_good_is_answered_by_the_demo_and_that_is_what_is_said(
    tmp_path: Path,
) -> None:
    with gateway(tmp_path, "model_list: [\n", key=None) as program:
        (tmp_path / "litellm_config.yaml").write_text("[]\n")
        wait_until(lambda: program.log.count("The demo answers until") == 2, 5, "both are said")
        assert "good configuration" not in program.log


def test_variables_of_the_file_are_in_force_as_it_is_saved_and_never_in_a_log(
    tmp_path: Path,
) -> None:
    """From the start on, after an edit, and gone with their line."""
    with serving((stand_in := OpenAI()).app) as url:
        model = openai_model("a", f"{url}/v1", api_key="os.environ/FILE_API_KEY")
        config = {"model_list": [model], "environment_variables": {"FILE_API_KEY": FIRST}}
        with gateway(tmp_path, config) as program:
            lab = EditedGateway(program, {"one": f"{url}/v1"}, {"one": stand_in}, config)

            def sent() -> str:
                assert lab.ask("a")[0] == 200
                return stand_in.seen[-1].headers["authorization"]

            assert sent() == f"Bearer {FIRST}"
            config["environment_variables"] = {"FILE_API_KEY": SECOND}
            assert "not in force yet" not in lab.save()
            assert sent() == f"Bearer {SECOND}"
            config["environment_variables"] = {}
            assert "Left out: FILE_API_KEY is not set (a). Put it in .env." in lab.save()
            assert lab.ask("a") == (404, "model_not_served")
            assert FIRST not in program.log
            assert SECOND not in program.log
