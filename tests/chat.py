"""`make chat`: a conversation by text, with a gateway of its own for as long as it lasts."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.harness import ROOT, free_port, is_ready


def main(arguments: list[str]) -> int:
    """Start a gateway on the repository's own files, converse, end the gateway."""
    with tempfile.TemporaryDirectory() as folder:
        port, log_path = free_port(), Path(folder, "gateway.log")
        key = f"sk-{secrets.token_urlsafe(32)}"
        env = {
            **os.environ,
            "VUI_GATEWAY_PROJECT": str(ROOT),
            "VUI_GATEWAY_HOST": "127.0.0.1",
            "VUI_GATEWAY_PORT": str(port),
            "VUI_LITELLM_URL": f"http://127.0.0.1:{port}",
            "VUI_LITELLM_KEY": key,
            "VUI_LITELLM_KEY_FILE": str(Path(folder, "key")),
            "VUI_LITELLM_MODEL": os.environ.get("VUI_LITELLM_MODEL") or "vui",
        }
        print("Starting the gateway, about ten seconds...", file=sys.stderr)
        # In a session of its own: Ctrl-C is a barge-in for the chat, not an end for the gateway.
        with log_path.open("w") as log:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "vui_gateway", "serve"],
                env=env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            while not is_ready(env["VUI_LITELLM_URL"]):
                if gateway.poll() is not None:
                    print(log_path.read_text(), file=sys.stderr)
                    return 1
                time.sleep(0.2)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return subprocess.call(
                [sys.executable, "-m", "vui_litellm", "chat", *arguments], env=env
            )
        finally:
            gateway.terminate()
            gateway.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
