"""LiteLLM as the gateway changes it at its start."""

from __future__ import annotations

import pytest
from vui_gateway.litellm_proxy import patches


@pytest.fixture(scope="session", autouse=True)
def _patched() -> None:
    patches.install()
