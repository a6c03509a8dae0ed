"""The rules that `make lint` holds."""

from __future__ import annotations

import ast

from tests.support.contract import upward


def trees(**imports: str) -> dict[str, ast.AST]:
    """Files of the gateway by their path, with one import each; `__` is a slash."""
    return {f"{name.replace('__', '/')}.py": ast.parse(text) for name, text in imports.items()}


def test_an_import_that_goes_up_is_named() -> None:
    found = list(upward(trees(turns__hedge="from vui_gateway.usage import bill", usage__bill="")))
    assert found == [("turns/hedge.py", "imports usage/bill.py, which is above it")]


def test_an_import_that_goes_down_is_none_of_them() -> None:
    down = trees(usage__bill="from vui_gateway.turns.call import Call", turns__call="")
    assert list(upward(down)) == []


def test_files_of_one_layer_import_each_other_in_no_circle() -> None:
    circle = trees(
        config__a="import vui_gateway.config.b", config__b="from vui_gateway.config import a"
    )
    assert {file for file, _ in upward(circle)} == {"config/a.py", "config/b.py"}


def test_a_file_of_no_layer_is_imported_by_none() -> None:
    found = list(upward(trees(errors="import vui_gateway.nowhere", nowhere="")))
    assert [file for file, _ in found] == ["errors.py"]
