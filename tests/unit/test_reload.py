"""What follows the files, without files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from vui_gateway import reload
from vui_gateway.config.file import ConfigError
from vui_gateway.reload import Reloader

WRONG = ConfigError("the model file", "it is no valid YAML", "Check the indentation.")


@pytest.fixture
def events(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[list[str]]:
    """Lines of the log, and `status` where the status is written, in order."""
    found: list[str] = []
    monkeypatch.setattr(Reloader, "report", lambda _: found.append("status"))
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    caplog.set_level(logging.INFO, reload.log.name)
    reload.log.addHandler(handler)
    yield found
    reload.log.removeHandler(handler)


def reloader() -> Reloader:
    async def extend(*_: Any) -> None: ...

    async def away() -> list[str]:
        return []

    settings: Any = SimpleNamespace(
        environ={}, unknown={}, unusable=(), warnings=(), env={}, config=None
    )
    settings.without = settings.beside = lambda _: settings
    config: Any = SimpleNamespace(env={}, environment={}, warnings=(), left_out=())
    in_force: Any = SimpleNamespace(
        apply=lambda *_: config, extend=extend, vui=lambda _: "vui is openai/first.",
        callbacks=SimpleNamespace(failed=[]),
        usage=SimpleNamespace(telemetry=SimpleNamespace(failed=[])),
        router=SimpleNamespace(
            model_groups=["vui"], servers=SimpleNamespace(warnings=[], away=away)
        ),
    )  # fmt: skip
    return Reloader(settings, config, in_force, SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [True, False])
async def test_the_status_is_written_before_the_log_says_it(
    monkeypatch: pytest.MonkeyPatch, events: list[str], broken: bool
) -> None:
    one = reloader()

    def read(*_: Any) -> Any:
        if broken:
            raise WRONG
        return one.config

    monkeypatch.setattr(reload.Settings, "load", lambda _: one.settings)
    monkeypatch.setattr(reload, "read_config", read)
    await one.reload()
    said = str(WRONG) if broken else "Serving vui"
    line = next(event for event in events if event.startswith(said))
    assert "status" in events[: events.index(line)]
    assert bool(one.error) is broken
