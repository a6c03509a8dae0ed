"""Part of `make lint`: what LiteLLM and vui keep private is touched in one place each.

Prints each line that breaks the rule, and exits with 1.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["violations"]

ROOT = Path(__file__).parents[2]
GATEWAY, VUI_SIDE = ROOT / "gateway" / "vui_gateway", ROOT / "src" / "vui_litellm"
# Files, and folders with a slash at their end.
LITELLM, VUI = ("litellm_api.py", "litellm_proxy/"), ("vui_api.py",)
HTTP_CLIENTS = ("providers/clients.py",)  # what httpx, aiohttp and requests keep private
# What no file of a package imports, but those that may.
CLOSED: dict[Path, dict[str, tuple[str, ...]]] = {
    GATEWAY: {"litellm": LITELLM, "vui": (), "vui_litellm": ()},
    VUI_SIDE: {"litellm": (), "vui_gateway": ()},
}
OWN = frozenset({"self", "cls"})
# Of the standard library, and documented.
PUBLIC = frozenset({"os._exit", "sys._current_frames"})


def violations(tree: ast.AST, package: Path, file: str) -> Iterator[tuple[int, str]]:
    """Lines of one file of a package, and what each may not do; file: its path in there."""
    from_vui: set[str] = set()
    for node in ast.walk(tree):
        for name in _imported(node):
            if not file.startswith(CLOSED[package].get(name, (file,))):
                yield node.lineno, f"imports {name}"  # type: ignore[attr-defined]
            if name == "vui" and isinstance(node, ast.Import | ast.ImportFrom):
                from_vui |= {alias.asname or alias.name for alias in node.names}
    if file.startswith((*LITELLM, *VUI, *HTTP_CLIENTS)):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        private = node.attr.startswith("_") and not node.attr.endswith("__")
        private = private and ast.unparse(node) not in PUBLIC
        if private and base not in OWN and not _is_super(node.value):
            yield node.lineno, f"uses {ast.unparse(node)}, which is private"
        if isinstance(node.ctx, ast.Store) and base in from_vui:
            yield node.lineno, f"patches {ast.unparse(node)}"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.split(".")[0]]
    return []


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super"


def main() -> int:
    found = 0
    for package in CLOSED:
        for path in sorted(package.rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, what in violations(tree, package, path.relative_to(package).as_posix()):
                found += 1
                print(f"{path.relative_to(ROOT)}:{line}: {what}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
