"""What several modules' tests need."""

from __future__ import annotations

from pathlib import Path

import pytest
from vui_gateway.litellm_proxy import patches

from tests.support.billing import Kept


@pytest.fixture(scope="session", autouse=True)
def _patched() -> None:
    """LiteLLM as the gateway changes it at its start."""
    patches.install()


@pytest.fixture
def usage(tmp_path: Path) -> Kept:
    """A recorder on the files of a folder."""
    return Kept(tmp_path)
