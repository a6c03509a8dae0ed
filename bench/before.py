"""The gateway's image of an earlier commit: `python -m bench.before` builds it."""

from __future__ import annotations

import subprocess

from tests.support.harness import ROOT

__all__ = ["BEFORE", "IMAGE"]

# The last commit whose attempts go through LiteLLM's HTTP app. What changes that way is compared
# with it in one interleaved run. The next such comparison moves it to the commit before its own.
BEFORE = "9185a28"
IMAGE = f"vui-litellm/gateway-before:{BEFORE}"


def build() -> None:
    """Build it from the commit alone; without the commit say why there is none."""
    archive = ["git", "-C", str(ROOT), "archive", BEFORE]
    try:
        packed = subprocess.run(archive, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", b"").decode().strip() or error
        print(f"No image of {BEFORE}, and no comparison with it: {why}")
        return
    command = ["docker", "build", "--quiet", "--file", "gateway/Dockerfile", "--tag", IMAGE, "-"]
    subprocess.run(command, input=packed, check=True)


if __name__ == "__main__":
    build()
