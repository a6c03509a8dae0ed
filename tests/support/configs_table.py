"""`make configs`: what the gateway makes of configuration files, stock LiteLLM's answer beside.

Each variable that a file names is set.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vui_gateway.check_config import check
from vui_gateway.litellm_proxy.catalogue import UnknownProvider
from vui_gateway.litellm_proxy.key_variables import key_variables

from tests.support.stock import VALUE, stock_names

__all__ = ["variables"]


def variables(path: Path) -> dict[str, str]:
    """Each variable that a file names, and those of providers' keys, with a value."""
    named = re.findall(r"os\.environ/(\w+)", path.read_text())
    usual = [key_variables(provider)[:1] for provider in UnknownProvider.known]
    return dict.fromkeys([*named, *(name for names in usual for name in names)], VALUE)


def main(files: list[Path]) -> int:
    stock, every = stock_names(files), True
    for file in files:
        lines, good = check(file, variables(file) if file.is_file() else {})
        every = every and good
        names = stock[str(file)]
        print(f"{file}", *lines, sep="\n  ")
        print(f"  Stock LiteLLM: {names if isinstance(names, str) else ', '.join(names)}")
    return 0 if every else 1


if __name__ == "__main__":
    sys.exit(main([Path(file) for file in sys.argv[1:]]))
