"""Credentials that several models share."""

from pathlib import Path

import pytest
from vui_gateway.config.file import read_config

from tests.support.configs import SHARED, written


def test_a_shared_credential_is_put_into_the_model_that_names_it(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, SHARED), {"MINE_API_KEY": "k"})
    params = config.model_list[0]["litellm_params"]
    assert params["api_base"] == "http://a.test"
    assert params["api_key"] == "os.environ/MINE_API_KEY"
    assert "litellm_credential_name" not in params
    assert list(config.key_variables.values()) == ["MINE_API_KEY"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHARED, "m (azure/m) is left out: MINE_API_KEY is not set. Put it in .env."),
        (
            SHARED.replace("name: mine\n", "name: mime\n"),
            "m (azure/m) is left out: mine is not in credential_list. Did you mean mime?",
        ),
        (
            SHARED.replace("name: mine\n", "name: MINE\n"),
            "m (azure/m) is left out: mine is not in credential_list. Did you mean MINE?",
        ),
        (
            SHARED.partition("credential_list:")[0],
            "m (azure/m) is left out: mine is not in credential_list. Add it there.",
        ),
    ],
)
def test_a_model_without_its_credential_is_left_out(tmp_path: Path, text: str, told: str) -> None:
    config = read_config(written(tmp_path, text), {})
    assert list(map(str, config.left_out)) == [told]
