"""Google's credentials, where there are none."""

from __future__ import annotations

import time
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError
from litellm.llms.vertex_ai.vertex_llm_base import VertexBase
from vui_gateway.litellm_proxy import google_credentials
from vui_gateway.providers.blame import HOUR

WORDS = "Your default credentials were not found."


def test_they_are_looked_for_once_an_hour_and_after_a_new_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, now = [], [0.0]

    def find(*_: Any) -> None:
        looked.append(now[0])
        raise DefaultCredentialsError(WORDS)

    def look() -> None:
        with pytest.raises(DefaultCredentialsError, match=WORDS):
            VertexBase()._credentials_from_default_auth(scopes=[])

    monkeypatch.setattr(
        VertexBase, "_credentials_from_default_auth", google_credentials._found_or_known
    )
    monkeypatch.setattr(google_credentials, "_find", find)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    google_credentials.forget()
    for now[0] in (0.0, 1.0, HOUR - 1, HOUR, HOUR + 1):
        look()
    assert looked == [0.0, HOUR]
    google_credentials.forget()
    look()
    assert looked == [0.0, HOUR, HOUR + 1]
    google_credentials.forget()


def test_what_is_found_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_credentials, "_find", lambda *_: ("credentials", "project"))
    google_credentials.forget()
    found = google_credentials._found_or_known(VertexBase(), [])
    assert found == ("credentials", "project")
