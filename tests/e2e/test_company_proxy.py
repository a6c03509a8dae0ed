"""Docker's client puts a company's proxy into every container; here nothing answers at it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.stack import stack

pytestmark = [pytest.mark.usefixtures("docker"), pytest.mark.timeout(1800)]

# A port that nothing listens on, in any container.
PROXY = "http://127.0.0.1:9"


def client_configuration(folder: Path) -> Path:
    """This machine's, and the proxy. https://docs.docker.com/engine/cli/proxy/"""
    folder.mkdir()
    own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    for found in own.iterdir() if own.exists() else ():
        if found.name != "config.json":
            (folder / found.name).symlink_to(found)
    file = own / "config.json"
    config = json.loads(file.read_text()) if file.exists() else {}
    config["proxies"] = {"default": {"httpProxy": PROXY, "httpsProxy": PROXY}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_chat_answers_behind_the_proxy_of_dockers_client(tmp_path: Path) -> None:
    # Images are built without the proxy.
    with stack(tmp_path / "clone", "proxied", ["provider"], True) as up:
        up.env["DOCKER_CONFIG"] = str(client_configuration(tmp_path / "docker"))
        up.compose("up", "-d", "--wait", "gateway")
        assert PROXY in up.compose("exec", "-T", "gateway", "printenv", "HTTP_PROXY").stdout
        up.script(text="Hello from the provider.")
        assert "Hello from the provider." in up.chat("Hello").stdout
