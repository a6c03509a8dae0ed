"""An edit is in force as a whole or not at all, and the status says neither more nor less."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.providers.base import serving
from tests.providers.openai import OpenAI
from tests.support.edits import LIMIT, SLOW, EditedGateway
from tests.support.harness import gateway, http, openai_model
from tests.support.poll import wait_until


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EditedGateway]:
    folder = tmp_path_factory.mktemp("reload")
    stand_ins = {name: OpenAI() for name in ("one", "two", "slow")}
    with (
        serving(stand_ins["one"].app) as one,
        serving(stand_ins["two"].app) as two,
        serving(stand_ins["slow"].app) as slow,
    ):
        bases = {"one": f"{one}/v1", "two": f"{two}/v1", "slow": f"{slow}/v1"}
        base = {"model_list": [openai_model("a", bases["one"])]}
        with gateway(folder, base) as program:
            yield EditedGateway(program, bases, stand_ins)


@pytest.fixture(autouse=True)
def afresh(lab: EditedGateway) -> None:
    """The files of every test's start: `a` at one, `b` at two, `late` at the slow one."""
    for name, stand_in in lab.stand_ins.items():
        stand_in.clear(delay=SLOW if name == "slow" else 0)
    lab.config = {
        "model_list": [
            lab.model("a", "one", api_key="os.environ/A_API_KEY"),
            lab.model("b", "two"),
            lab.model("late", "slow"),
        ],
        "litellm_settings": {"drop_params": True},
        # Nobody is left alone: each test's failures are its own.
        "router_settings": {"cooldown_time": 0},
    }
    lab.env = {"A_API_KEY": "sk-first"}
    assert "is not in force" not in lab.save()


def _strict(lab: EditedGateway, drop_params: object) -> None:
    lab.config["model_list"].append(lab.model("strict", "one"))
    lab.config["model_list"][-1]["litellm_params"]["model"] = "openai/o3-mini"
    lab.config["litellm_settings"] = {} if drop_params is None else {"drop_params": drop_params}


def _router(**settings: Any) -> Callable[[EditedGateway], None]:
    return lambda lab: lab.config["router_settings"].update(settings)


def _group(first: str, second: str) -> Callable[[EditedGateway], None]:
    def change(lab: EditedGateway) -> None:
        lab.config["model_list"] += [
            lab.model("pair", first, order=1), lab.model("pair", second, order=2),
        ]  # fmt: skip

    return change


def _gone(name: str) -> Callable[[EditedGateway], None]:
    def change(lab: EditedGateway) -> None:
        kept = [m for m in lab.config["model_list"] if m["model_name"] != name]
        lab.config["model_list"] = kept

    return change


def _moved(lab: EditedGateway) -> None:
    lab.config["model_list"][0] = lab.model("a", "two")


def _added(lab: EditedGateway) -> None:
    lab.config["model_list"].append(lab.model("new", "two"))


# https://platform.openai.com/docs/guides/error-codes
TOO_LONG = ("context_length_exceeded", "This model's maximum context length is 8192 tokens.")
UNSAFE = ("content_policy_violation", "Your request was rejected by our safety system.")


def _failing(
    settings: str, refusal: tuple[str, str] | None = None, **fallbacks: Any
) -> Callable[[EditedGateway], None]:
    def change(lab: EditedGateway) -> None:
        lab.stand_ins["one"].clear(fault=500)
        if refusal:
            code, message = refusal
            error = {"message": message, "type": "invalid_request_error", "code": code}
            lab.stand_ins["one"].clear(fault=400, fault_body=json.dumps({"error": error}))
        lab.config.setdefault(settings, {}).update(fallbacks)

    return change


def _quick(lab: EditedGateway) -> bool:
    """`late` is given up long before its first word."""
    began = time.monotonic()
    return lab.ask("late")[0] != 200 and time.monotonic() - began < SLOW


def _key_seen(lab: EditedGateway) -> str:
    lab.ask("a")
    return lab.stand_ins["one"].seen[-1].headers["authorization"]


def _added_with(name: str, stand_in: str, **params: Any) -> Callable[[EditedGateway], None]:
    return lambda lab: lab.config["model_list"].append(lab.model(name, stand_in, **params))


def _named(name: str) -> Callable[[EditedGateway], object]:
    """Asked for a name that only a wildcard matches: what the provider is asked for."""
    return lambda lab: (lab.ask(name)[0], lab.stand_ins["two"].seen[-1].body["model"])


def _keyless(lab: EditedGateway) -> None:
    """LiteLLM would send the key that `.env` has for OpenAI to whoever is at the address."""
    del lab.config["model_list"][0]["litellm_params"]["api_key"]
    lab.env["OPENAI_API_KEY"] = "sk-openai-0123456789"


def _vui_asks(lab: EditedGateway) -> tuple[str, int, int]:
    """The model that `vui` asked, and how often it was whose."""
    assert lab.ask("vui")[0] == 200
    asked = [(s.seen[-1].body["model"]) for s in lab.stand_ins.values() if s.seen]
    return asked[0], lab.asked("one"), lab.asked("two")


PARALLEL = {"parallel_tool_calls": False}  # LiteLLM refuses it for o3-mini; it isn't taken back
Change = Callable[[EditedGateway], object]

# An edit, what a call then does, and what the status says of it.
EDITS: dict[str, tuple[Change, Change, object, str]] = {
    "a model is added": (_added, lambda lab: lab.ask("new")[0], 200, "vui, a, b, late, new"),
    "a model is removed": (_gone("b"), lambda lab: lab.ask("b"), (404, "model_not_served"), "late"),
    "a model has another address": (
        _moved, lambda lab: (lab.ask("a")[0], lab.asked("one"), lab.asked("two")), (200, 0, 1), "a",
    ),
    "a key is changed": (
        lambda lab: lab.env.update(A_API_KEY="sk-second"), _key_seen, "Bearer sk-second", "a, b",
    ),
    "a key is removed": (
        lambda lab: lab.env.clear(), lambda lab: lab.ask("a")[1], "model_not_served",
        "Left out: A_API_KEY is not set (a). ",
    ),
    "drop_params on": (
        lambda lab: _strict(lab, True), lambda lab: lab.ask("strict", **PARALLEL)[0], 200, "strict",
    ),
    "drop_params off": (
        lambda lab: _strict(lab, False), lambda lab: lab.ask("strict", **PARALLEL)[0], 400,
        "strict",
    ),
    "drop_params removed": (
        lambda lab: _strict(lab, None), lambda lab: lab.ask("strict", **PARALLEL)[0], 200, "strict",
    ),
    "a timeout below a second": (_router(timeout=LIMIT), _quick, True, "late"),
    "no timeout": (lambda lab: None, _quick, False, "late"),
    "a stream_timeout below a second": (
        _router(stream_timeout=LIMIT), lambda lab: lab.ask("late", stream=True)[1] != "streamed",
        True, "late",
    ),
    "no stream_timeout": (
        lambda lab: None, lambda lab: lab.ask("late", stream=True)[1], "streamed", "late",
    ),
    "a fallback": (
        _failing("router_settings", fallbacks=[{"a": ["b"]}]),
        lambda lab: lab.ask("a")[0], 200, "a",
    ),
    "no fallback": (_failing("router_settings"), lambda lab: lab.ask("a")[1], "no_answer", "a"),
    "a default fallback": (
        _failing("litellm_settings", default_fallbacks=["b"]),
        lambda lab: lab.ask("a")[0], 200, "a",
    ),
    "no default fallback": (
        _failing("litellm_settings"), lambda lab: lab.ask("a")[1], "no_answer", "a",
    ),
    "a fallback for a conversation that is too long": (
        _failing("router_settings", TOO_LONG, context_window_fallbacks=[{"a": ["b"]}]),
        lambda lab: lab.ask("a")[0], 200, "a",
    ),
    "a fallback for what a provider's filter refuses": (
        _failing("litellm_settings", UNSAFE, content_policy_fallbacks=[{"a": ["b"]}]),
        lambda lab: lab.ask("a")[0], 200, "a",
    ),
    "a fallback for another failure than this one": (
        _failing("router_settings", context_window_fallbacks=[{"a": ["b"]}]),
        lambda lab: (lab.ask("a")[1], lab.asked("two")), ("no_answer", 0), "a",
    ),
    "no fallback for a conversation that is too long": (
        _failing("router_settings", TOO_LONG, content_policy_fallbacks=[{"a": ["b"]}]),
        lambda lab: lab.ask("a")[1], "context_window_exceeded", "a",
    ),
    "no fallback for what a provider's filter refuses": (
        _failing("router_settings", UNSAFE, context_window_fallbacks=[{"a": ["b"]}]),
        lambda lab: lab.ask("a")[1], "content_policy_violation", "a",
    ),
    "a limit of no time": (
        _router(stream_timeout=0, cooldown_time=None, timeout=None),
        lambda lab: (lab.ask("a", stream=True)[1], lab.ask("a")[0]), ("streamed", 200), "a",
    ),
    "an order": (
        _group("one", "two"), lambda lab: (lab.ask("pair"), lab.asked("one"))[1], 1, "pair",
    ),
    "the other order": (
        _group("two", "one"), lambda lab: (lab.ask("pair"), lab.asked("one"))[1], 0, "pair",
    ),
    "an alias": (
        _router(model_group_alias={"nick": "a"}), lambda lab: lab.ask("nick")[0], 200, "nick",
    ),
    "no alias": (lambda lab: None, lambda lab: lab.ask("nick")[1], "model_not_served", "a"),
    "a cache": (
        lambda lab: lab.config["litellm_settings"].update(
            cache=True, cache_params={"type": "local"}
        ),
        lambda lab: (lab.ask("a")[0], lab.ask("a")[0], lab.asked("one")), (200, 200, 1), "a",
    ),
    "no cache": (
        lambda lab: None, lambda lab: (lab.ask("a")[0], lab.ask("a")[0], lab.asked("one")),
        (200, 200, 2), "a",
    ),
    "a cache that nothing answers for": (
        lambda lab: lab.config["litellm_settings"].update(
            cache=True, cache_params={"type": "redis", "host": "127.0.0.1", "port": 9}
        ),
        lambda lab: lab.ask("a")[0], 200, "litellm_settings.cache is left out, it can't start (",
    ),
    "a callback": (
        lambda lab: lab.config["litellm_settings"].update(callbacks=["prometheus"]),
        lambda lab: lab.ask("a")[0], 200, "a",
    ),
    "a callback whose package is missing": (
        lambda lab: lab.config["litellm_settings"].update(success_callback=["langfuse"]),
        lambda lab: lab.ask("a")[0], 200,
        "litellm_settings.success_callback langfuse needs a package that isn't here. Write",
    ),
    "a callback that is nowhere": (
        lambda lab: lab.config["litellm_settings"].update(failure_callback=["x.y"]),
        lambda lab: lab.ask("a")[0], 200, "litellm_settings.failure_callback x.y is left out",
    ),
    "no callback": (lambda lab: None, lambda lab: lab.ask("a")[0], 200, "a"),
    "a variable that LiteLLM reads at its start": (
        lambda lab: lab.env.update(SSL_VERIFY="False"),
        lambda lab: lab.ask("a")[0], 200, "SSL_VERIFY in .env is not in force yet",
    ),
    "no such variable": (lambda lab: None, lambda lab: lab.ask("a")[0], 200, "a"),
    "a setting that LiteLLM doesn't have": (
        _router(timout=1), lambda lab: lab.ask("a")[0], 200,
        "router_settings.timout is no setting of LiteLLM's. Did you mean 'timeout'?",
    ),
    "retries, which the engine replaces": (
        _failing("router_settings", num_retries=3),
        lambda lab: (lab.ask("a")[1], lab.asked("one")), ("no_answer", 1),
        "router_settings.num_retries has no effect here",
    ),
    "a timeout of a model's own, which the engine replaces": (
        lambda lab: lab.config["model_list"][2]["litellm_params"].update(timeout=LIMIT),
        lambda lab: lab.ask("late")[0], 200, "litellm_params.timeout has no effect here",
    ),
    "guardrails": (
        lambda lab: lab.config.update(guardrails=[{"guardrail_name": "x"}]),
        lambda lab: lab.ask("a")[0], 200, "guardrails has no effect here.",
    ),
    "no guardrails": (lambda lab: None, lambda lab: lab.ask("a")[0], 200, "a"),
    "environment_variables": (
        lambda lab: lab.config.update(environment_variables={"A_API_KEY": "sk-other"}), _key_seen,
        "Bearer sk-first", "of environment_variables are ignored: A_API_KEY. They are in .env",
    ),
    "a master key": (
        lambda lab: lab.config.update(general_settings={"master_key": "sk-1234"}),
        lambda lab: lab.ask("a")[0], 200,
        "master_key has no effect here. The key is VUI_LITELLM_KEY of .env",
    ),
    "a group vui": (
        _added_with("vui", "two"), _vui_asks,
        ("vui", 0, 1), "vui is openai/vui: the first of the group vui in litellm_config.yaml.",
    ),
    "no group vui": (
        lambda lab: None, _vui_asks, ("a", 1, 0),
        "vui is a: the first model of litellm_config.yaml.",
    ),
    "an alias vui": (
        _router(model_group_alias={"vui": "b"}), _vui_asks, ("b", 0, 1),
        "vui is b: model_group_alias in litellm_config.yaml says so.",
    ),
    "an alias vui for nobody": (
        _router(model_group_alias={"vui": "gone"}), _vui_asks, ("a", 1, 0),
        "vui is a: the first model of litellm_config.yaml.",
    ),
    "fallbacks of vui": (
        _router(fallbacks=[{"vui": ["gone", "b", "a"]}]), _vui_asks, ("b", 0, 1),
        "vui is b: the first of its fallbacks in litellm_config.yaml.",
    ),
    "the fallbacks of the model that is vui": (
        _failing("router_settings", fallbacks=[{"a": ["b"]}]),
        lambda lab: (lab.ask("vui")[0], lab.asked("two")), (200, 1), "vui is a:",
    ),
    "only the demo": (
        lambda lab: lab.config.update(model_list=[lab.model("demo", "one", mock_response="Hi")]),
        lambda lab: "has no other model" in lab.ask("vui")[1], True,
        "vui is the demo: litellm_config.yaml has no other model.",
    ),
    "only models whose key is missing": (
        lambda lab: lab.config.update(
            model_list=[lab.model("a", "one", api_key="os.environ/NO_API_KEY")]
        ),
        lambda lab: "for example the NO API KEY, and save it" in lab.ask("vui")[1], True,
        "vui is the demo: no model of litellm_config.yaml has its key in .env.",
    ),
    "a key's line is removed": (
        _keyless, lambda lab: (lab.ask("a")[0], lab.stand_ins["one"].seen[-1].headers.get(
            "authorization")), (200, "Bearer none"), "a",
    ),
    "a key in another program's spelling": (
        _added_with("new", "one", api_key="${A_API_KEY}"),
        lambda lab: lab.ask("new")[1], "model_not_served",
        "Left out: ${A_API_KEY} is no api_key (new). Did you mean "
        "os.environ/A_API_KEY?",
    ),
    "a key one letter off": (
        _added_with("new", "one", api_key="os.environ/A_APIKEY"),
        lambda lab: lab.ask("new")[1], "model_not_served",
        "A_APIKEY is not set (new). Did you mean A_API_KEY?",
    ),
    "a wildcard": (
        _added_with("openai/*", "two", model="openai/*"), _named("openai/gpt-4.1-nano"),
        (200, "gpt-4.1-nano"), "openai/*",
    ),
    "a wildcard for everything": (
        _added_with("*", "two", model="openai/*"), _named("gpt-4.1-nano"), (200, "gpt-4.1-nano"),
        "*",
    ),
    "no wildcard": (
        lambda lab: None, lambda lab: lab.ask("gpt-4.1-nano")[1], "model_not_served", "a",
    ),
    "a budget": (
        lambda lab: lab.env.update(VUI_LITELLM_BUDGET="0"),
        lambda lab: lab.ask("a"), (402, "budget_exceeded"), "of 0.00 USD",
    ),
}  # fmt: skip


def _status_with(lab: EditedGateway, words: str) -> str:
    status = lab.program.status().stdout
    return status if words in status else ""


@pytest.mark.parametrize("name", EDITS)
def test_the_status_after_an_edit_is_what_a_call_then_does(lab: EditedGateway, name: str) -> None:
    change, behaviour, expected, told = EDITS[name]
    change(lab)
    lab.save()
    # An edit doesn't wait for a callback or a cache that is slow.
    status = wait_until(lambda: _status_with(lab, told), 10, told)
    assert "was refused" not in status
    served = {m["id"] for m in http(f"{lab.program.url}/v1/models", key=lab.program.key)[1]["data"]}
    assert served == set(status.split(": ", 1)[1].splitlines()[0].split(", "))
    assert behaviour(lab) == expected


@pytest.mark.parametrize(
    ("setting", "value"),
    [("routing_strategy", "nonsense"), ("context_window_fallbacks", [["b"]]), ("fallbacks", 5)],
)
def test_a_setting_that_litellm_refuses_is_left_out_and_the_rest_of_the_edit_in_force(
    lab: EditedGateway, setting: str, value: object
) -> None:
    good = copy.deepcopy(lab.config)
    lab.config["model_list"] = [lab.model("b", "two"), lab.model("new", "two")]
    lab.config["router_settings"] = {setting: value}
    status = lab.save()
    assert f"router_settings.{setting} is" in status
    assert "refused" not in status
    assert [lab.ask(name)[0] for name in ("a", "b", "new")] == [404, 200, 200]
    lab.config = good
    assert setting not in lab.save()


def test_a_wildcard_is_asked_for_the_model_that_was_named(lab: EditedGateway) -> None:
    lab.config["model_list"].append(lab.model("any/*", "two", model="openai/*"))
    assert "any/*" in lab.save()
    for stream in (True, False):
        assert lab.ask("any/thing", stream=stream)[0] == 200
        assert lab.stand_ins["two"].seen[-1].body["model"] == "thing"
