"""What LiteLLM keeps of a router that was exchanged."""

from __future__ import annotations

import subprocess
import sys

EXCHANGES = """
import litellm
from vui_gateway.litellm_proxy.router import RouterInForce

router = RouterInForce()
rules = {"tiers": {"SIMPLE": "a", "MEDIUM": "a"}}
chooser = {"model": "auto_router/complexity_router", "complexity_router_config": rules}
models = [
    {"model_name": "smart", "litellm_params": chooser},
    {"model_name": "a", "litellm_params": {"model": "openai/a", "api_key": "k"}},
]

def sizes():
    lists = {name: getattr(litellm, name) for name in dir(litellm) if "callback" in name}
    return {name: len(found) for name, found in lists.items() if isinstance(found, list)}

router.use(router.build(models, {}, {}), {})
before = sizes()
for _ in range(50):
    router.use(router.build(models, {}, {}), {})
assert sizes() == before, (before, sizes())
"""


def test_edits_leave_nothing_behind_in_litellm() -> None:
    """Each router registers its callbacks; an exchanged one takes its own away."""
    done = subprocess.run([sys.executable, "-c", EXCHANGES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
