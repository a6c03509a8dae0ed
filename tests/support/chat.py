"""`make chat`: a conversation by text, with a gateway of its own for as long as it lasts."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.harness import ROOT, free_port, is_ready, program


def main(arguments: list[str]) -> int:
    """Start a gateway on the repository's own files, converse, end the gateway."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        env = {
            "VUI_GATEWAY_PROJECT": str(ROOT),
            "VUI_GATEWAY_HOST": "127.0.0.1",
            "VUI_GATEWAY_PORT": str(port),
            "VUI_LITELLM_URL": f"http://127.0.0.1:{port}",
            "VUI_LITELLM_KEY": f"sk-{secrets.token_urlsafe(32)}",
            "VUI_LITELLM_KEY_FILE": str(Path(folder, "key")),
            "VUI_LITELLM_MODEL": os.environ.get("VUI_LITELLM_MODEL") or "vui",
        }
        print("Starting the gateway, about ten seconds...", file=sys.stderr)
        command, log_path = ["-m", "vui_gateway", "serve"], Path(folder, "gateway.log")
        # In a session of its own: Ctrl-C is a barge-in for the chat, not an end for the gateway.
        with program(command, env, log_path, ROOT, start_new_session=True) as gateway:
            try:
                gateway.await_ready(lambda: is_ready(env["VUI_LITELLM_URL"]), 90)
            except RuntimeError as error:
                print(error, file=sys.stderr)
                return 1
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return subprocess.call(
                [sys.executable, "-m", "vui_litellm", "chat", *arguments],
                env={**os.environ, **env},
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
