"""What stock LiteLLM serves from files: `python -m tests.support.stock FILE …` prints JSON.

In a process of its own, since the gateway changes LiteLLM. Each variable that a file names is set.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

__all__ = ["VALUE", "examples", "stock_names"]

ROOT = Path(__file__).parents[2]
VALUE = "sk-of-a-test-0123456789"  # of each variable


def examples() -> list[Path]:
    """The configurations with models that LiteLLM's wheel brings along."""
    import litellm

    folder = Path(litellm.__file__).parent
    return [
        path
        for path in sorted(folder.rglob("*.yaml"))
        if "\nmodel_list:" in "\n" + path.read_text()
    ]


def stock_names(files: Iterable[Path]) -> dict[str, list[str] | str]:
    """By file, the names that stock LiteLLM's router holds, or its error."""
    command = [sys.executable, "-m", "tests.support.stock", *map(str, files)]
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def _resolved(value: Any) -> Any:
    return VALUE if isinstance(value, str) and value.startswith("os.environ/") else value


def _names(path: Path) -> list[str] | str:
    from litellm import Router

    try:
        models = yaml.safe_load(path.read_text())["model_list"]
        for entry in models:
            params = entry["litellm_params"]
            entry["litellm_params"] = {name: _resolved(value) for name, value in params.items()}
        # As LiteLLM's proxy builds it.
        router = Router(model_list=models, ignore_invalid_deployments=True)
        return list(dict.fromkeys(router.get_model_names()))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    print(json.dumps({file: _names(Path(file)) for file in sys.argv[1:]}))
