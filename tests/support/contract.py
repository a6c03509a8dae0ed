"""Part of `make lint`: private names of LiteLLM and vui are used in one place each, and imports in
the gateway go down its layers only.

Prints each line that breaks a rule, and exits with 1.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["violations"]

ROOT = Path(__file__).parents[2]
GATEWAY, VUI_SIDE = ROOT / "gateway" / "vui_gateway", ROOT / "src" / "vui_litellm"
# Files, and folders with a slash at their end.
LITELLM, VUI = ("litellm_proxy/",), ("patches/",)
# What no file of a package imports, but those that may.
CLOSED: dict[Path, dict[str, tuple[str, ...]]] = {
    GATEWAY: {"litellm": LITELLM, "vui": (), "vui_litellm": ()},
    VUI_SIDE: {"litellm": (), "vui_gateway": ()},
}
OWN = frozenset({"self", "cls"})
# Of the standard library, and documented.
PUBLIC = frozenset({"_exit", "_current_frames", "_replace", "_value_"})
# The gateway's layers, from the top; docs/architecture.md explains them.
LAYERS = (
    ("cli.py", "__main__.py"),
    ("server.py",),
    ("app.py",),
    ("api/",),
    ("reload.py",),
    ("check_config.py", "status.py"),
    ("apply.py",),
    ("config/", "keys/"),
    ("usage/",),
    ("litellm_proxy/",),
    ("turns/",),
    ("providers/", "state/"),
    ("second_start.py",),
    ("drain.py", "logs.py", "mirror.py", "watchdog.py"),
    ("settings.py", "redaction.py"),
    ("env_file.py",),
    ("errors.py", "lru.py", "named_files.py", "no_proxy.py", "private_files.py", "variables.py"),
)


def violations(tree: ast.AST, package: Path, file: str) -> Iterator[tuple[int, str]]:
    """Lines of one file of a package, and what each may not do; file: its path in there."""
    from_vui: set[str] = set()
    for node in ast.walk(tree):
        for name in _imported(node):
            if not file.startswith(CLOSED[package].get(name, (file,))):
                yield node.lineno, f"imports {name}"  # type: ignore[attr-defined]
            if name == "vui" and isinstance(node, ast.Import | ast.ImportFrom):
                from_vui |= {alias.asname or alias.name for alias in node.names}
    if file.startswith((*LITELLM, *VUI)):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        base = node.value.id if isinstance(node.value, ast.Name) else ""
        private = node.attr.startswith("_") and not node.attr.endswith("__")
        private = private and node.attr not in PUBLIC
        if private and base not in OWN and not _is_super(node.value):
            yield node.lineno, f"uses {ast.unparse(node)}, which is private"
        if isinstance(node.ctx, ast.Store) and base in from_vui:
            yield node.lineno, f"patches {ast.unparse(node)}"


def upward(modules: Mapping[str, ast.AST]) -> Iterator[tuple[str, str]]:
    """Files of the gateway, and an import in each that goes up the layers, or in a circle."""
    imports = {file: set(_own_imports(tree, modules)) for file, tree in modules.items()}
    for file, found in imports.items():
        for other in sorted(found):
            if _layer(other) < _layer(file):
                yield file, f"imports {other}, which is above it"
    for file in modules:
        if _reaches(file, file, imports):
            yield file, "imports itself, by way of others"


def _layer(file: str) -> int:
    """Its number; one that no layer has is above all."""
    return next((n for n, layer in enumerate(LAYERS) if file.startswith(layer)), -1)


def _own_imports(tree: ast.AST, modules: Mapping[str, ast.AST]) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            file = f"{name.removeprefix(f'{GATEWAY.name}.').replace('.', '/')}.py"
            if file in modules:
                yield file


def _reaches(start: str, goal: str, imports: dict[str, set[str]]) -> bool:
    seen, waiting = set[str](), list(imports[start])
    while waiting:
        if (file := waiting.pop()) == goal:
            return True
        if file not in seen:
            seen.add(file)
            waiting += imports[file]
    return False


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
        paths = sorted(package.rglob("*.py"))
        trees = {
            path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
            for path in paths
        }
        where = package.relative_to(ROOT)
        for file, tree in trees.items():
            for line, what in violations(tree, package, file):
                found += 1
                print(f"{where}/{file}:{line}: {what}")
        for file, what in upward(trees) if package == GATEWAY else ():
            found += 1
            print(f"{where}/{file}: {what}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
