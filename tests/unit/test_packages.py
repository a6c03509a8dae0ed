"""Providers that need a package which the image leaves out."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config
from vui_gateway.providers.packages import LEFT_OUT_PACKAGES, needs_package

from tests.support.configs import model, written


@pytest.mark.parametrize("provider", LEFT_OUT_PACKAGES)
def test_a_provider_without_its_package_is_left_out_with_its_cure(
    tmp_path: Path, provider: str
) -> None:
    (left,) = read_config(written(tmp_path, model("a", f"{{model: {provider}/b}}")), {}).left_out
    said = f"{provider} is not in the image. {LEFT_OUT_PACKAGES[provider]}"
    assert str(left) == f"a ({provider}/b) is left out: {said}"


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("litellm.InternalServerError: No module named 'google.auth'", True),
        ("boto3 import failed please run `pip install boto3`", True),
        ('{"error": {"message": "No module named x in your code"}}', False),  # the provider's own
        ("The model is overloaded", False),
    ],
)
def test_a_failure_for_want_of_a_package_has_its_cure(message: str, *, missing: bool) -> None:
    assert ("use another model" in needs_package(message)) is missing
