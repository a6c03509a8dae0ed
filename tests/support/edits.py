"""A gateway, three stand-ins behind it, and the two files that it follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.providers.openai import OpenAI
from tests.support.harness import Program, http, openai_model, paid
from tests.support.poll import wait_until

__all__ = ["LIMIT", "SLOW", "EditedGateway"]

SLOW = 1.2  # seconds until the slow stand-in's first word
LIMIT = 0.5


@dataclass
class EditedGateway:
    """A gateway, three stand-ins behind it, and the two files that it follows."""

    program: Program
    bases: dict[str, str]
    stand_ins: dict[str, OpenAI]
    config: dict = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    edits: int = 0

    def model(self, name: str, stand_in: str, **params: Any) -> dict:
        return openai_model(name, self.bases[stand_in], **params)

    def save(self) -> str:
        """Write both files, wait until the gateway has looked, and return its status."""
        self.edits += 1
        text = yaml.safe_dump(paid(self.config)) + f"# edit {self.edits}\n"
        env = "".join(f"{name}={value}\n" for name, value in self.env.items())
        project = self.program.project
        before = self.program.log.count("Serving ") + self.program.log.count("good configuration")
        (project / ".env").write_text(env)
        (project / "litellm_config.yaml").write_text(text)

        def looked() -> bool:
            log = self.program.log
            return log.count("Serving ") + log.count("good configuration") > before

        wait_until(looked, 90, "the gateway has looked at the edit")
        return self.program.status().stdout

    def ask(self, model: str, **fields: Any) -> tuple[int, str]:
        """Status and the error's code, or the text."""
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        url = f"{self.program.url}/v1/chat/completions"
        status, answer = http(url, body, key=self.program.key)
        if status == 200 and isinstance(answer, dict):
            return status, answer["choices"][0]["message"]["content"]
        if status == 200:
            return status, "error" if '"error"' in answer else "streamed"
        return status, answer["error"]["code"]

    def asked(self, stand_in: str) -> int:
        return len(self.stand_ins[stand_in].seen)
