"""The credentials of Google's and Amazon's clouds, where there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError
from litellm.llms.bedrock.base_aws_llm import BaseAWSLLM
from litellm.llms.vertex_ai.vertex_llm_base import VertexBase
from vui_gateway.litellm_proxy import cloud_credentials
from vui_gateway.litellm_proxy.cloud_credentials import SEARCH_PAUSE

WORDS = "Your default credentials were not found."


def google() -> None:
    with pytest.raises(DefaultCredentialsError, match=WORDS):
        VertexBase()._credentials_from_default_auth(scopes=[])


def amazon() -> None:
    assert BaseAWSLLM().get_credentials(aws_region_name="us-east-1") is None


@pytest.mark.parametrize(("cloud", "look"), [("google", google), ("amazon", amazon)])
def test_they_are_looked_for_once_in_five_minutes_and_after_a_new_configuration(
    monkeypatch: pytest.MonkeyPatch, cloud: str, look: Callable[[], None]
) -> None:
    looked, now = [], [0.0]

    def find(*_: Any) -> Any:
        looked.append(now[0])
        if cloud == "google":
            raise DefaultCredentialsError(WORDS)
        return None, None

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE_NAME", "AWS_ROLE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(VertexBase, "_credentials_from_default_auth", cloud_credentials._of_google)
    monkeypatch.setattr(BaseAWSLLM, "_auth_with_env_vars", cloud_credentials._of_amazon)
    monkeypatch.setattr(cloud_credentials, f"_find_{cloud}s", find)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cloud_credentials.forget()
    for now[0] in (0.0, 1.0, SEARCH_PAUSE - 1, SEARCH_PAUSE, SEARCH_PAUSE + 1):
        look()
    assert looked == [0.0, SEARCH_PAUSE]
    cloud_credentials.forget()
    look()
    assert looked == [0.0, SEARCH_PAUSE, SEARCH_PAUSE + 1]
    cloud_credentials.forget()


def test_what_is_found_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_credentials, "_find_googles", lambda *_: ("credentials", "project"))
    monkeypatch.setattr(cloud_credentials, "_find_amazons", lambda *_: ("credentials", None))
    cloud_credentials.forget()
    assert cloud_credentials._of_google(VertexBase(), []) == ("credentials", "project")
    assert cloud_credentials._of_amazon(BaseAWSLLM()) == ("credentials", None)


def test_an_edit_during_a_search_lets_the_next_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = [(None, None), ("credentials", None)]

    def find(*_: Any) -> Any:
        cloud_credentials.forget()  # an edit, meanwhile
        return found.pop(0)

    monkeypatch.setattr(cloud_credentials, "_find_amazons", find)
    assert cloud_credentials._of_amazon(BaseAWSLLM()) == (None, None)
    assert cloud_credentials._of_amazon(BaseAWSLLM()) == ("credentials", None)
