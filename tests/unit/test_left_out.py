"""The sentences of models that aren't served."""

from vui_gateway.config.file import read_config
from vui_gateway.config.left_out import by_reason

from tests.support.configs import SHIPPED


def test_models_that_are_left_out_are_summed_up_by_variable() -> None:
    said = by_reason(read_config(SHIPPED, {"OPENAI_API_KEY": "k"}).left_out)
    (claude,) = [line for line in said if "ANTHROPIC_API_KEY" in line]
    begin = "Left out: ANTHROPIC_API_KEY is not set (vui, anthropic/claude-haiku-4-5,"
    assert claude.startswith(begin)
    assert claude.endswith("). Put it in .env.")
