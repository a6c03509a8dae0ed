"""What the gateway is told from outside: `.env`, and the environment, which wins over it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

__all__ = ["DEFAULT_PORT", "SettingError", "Settings", "write_by_rename"]

DEFAULT_PORT = 4000
# Where the gateway listens and finds its files is the container's matter, not `.env`'s.
OWN_PREFIX = "VUI_GATEWAY_"


class SettingError(ValueError):
    """A setting has a bad value; the message names it, what is wrong, and the cure."""


def _header_value(value: str) -> str:
    if not all("!" <= char <= "~" for char in value):
        raise ValueError
    return value


class Settings(BaseModel):
    """Each field's alias is the variable, its description the cure for a bad value."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = Field(
        # In a container: compose.yaml publishes it on loopback.
        "0.0.0.0",  # noqa: S104
        alias="VUI_GATEWAY_HOST",
    )
    port: int = Field(
        DEFAULT_PORT, ge=0, le=65535, alias="VUI_GATEWAY_PORT",
        description=f"Use a port number such as {DEFAULT_PORT}.",
    )  # fmt: skip
    project: Path = Field(Path("/project"), alias="VUI_GATEWAY_PROJECT")
    key_file: Path = Field(Path("/run/vui-litellm/key"), alias="VUI_LITELLM_KEY_FILE")
    key: Annotated[str, BeforeValidator(_header_value)] = Field(
        "", alias="VUI_LITELLM_KEY", repr=False,
        description="It holds a space or a character that no HTTP header can carry. "
        "Choose another one, or leave it empty and one is made.",
    )  # fmt: skip
    budget: float | None = Field(
        None, ge=0, allow_inf_nan=False, alias="VUI_LITELLM_BUDGET",
        description="Write US dollars per day, such as 0.50, or leave it empty for no limit.",
    )  # fmt: skip
    preconnect: bool = Field(
        True, alias="VUI_LITELLM_PRECONNECT", description="Use 1 (on) or 0 (off)."
    )
    hedge: bool = Field(True, alias="VUI_LITELLM_HEDGE", description="Use 1 (on) or 0 (off).")
    # What the variables of the configuration are looked up in; and the environment alone.
    env: Mapping[str, str] = Field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the environment, and `.env` of the project folder.

        `.env` is read from a mount and not passed by Compose: an environment variable of a
        container is shown to everyone who may run `docker inspect`.

        Raises:
            SettingError: a value cannot be used.
        """
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        project = Path(given.get("VUI_GATEWAY_PROJECT") or cls.model_fields["project"].default)
        file = _read_env_file(project / ".env")
        env = {**{k: v for k, v in file.items() if not k.startswith(OWN_PREFIX)}, **given}
        values: dict[str, Any] = {**env, "env": env, "environ": dict(environ)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            name = str(error.errors(include_url=False)[0]["loc"][0])
            cure = next(f.description for f in cls.model_fields.values() if f.alias == name)
            shown = "" if "KEY" in name else f" is {env[name]!r}"
            raise SettingError(f"{name}{shown or ' can not be used'}. {cure}") from None

    @property
    def config(self) -> Path:
        """The models."""
        return self.project / "litellm_config.yaml"

    @property
    def env_file(self) -> Path:
        """The keys."""
        return self.project / ".env"

    @property
    def status_file(self) -> Path:
        """Where the gateway that runs on this port leaves its status."""
        return Path(tempfile.gettempdir(), f"vui-gateway-{self.port}.json")

    def export(self, key: str, before: Self | None = None) -> None:
        """Put `.env` and the key into this process's environment, where LiteLLM looks.

        before: the settings in force until now, whose variables may be gone from `.env`.
        """
        for name in set(before.env if before else ()) - set(self.env):
            os.environ.pop(name, None)
        os.environ.update(self.env)
        os.environ["VUI_LITELLM_KEY"] = key


def write_by_rename(path: Path, text: str, mode: int = 0o644, *, sync: bool = False) -> None:
    """A reader sees the old text or the new one; with `sync`, after a power cut too.

    Raises:
        OSError: it can't be written.
    """
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as lines:
            return {k: v.strip() for k, v in dotenv_values(stream=lines).items() if v and v.strip()}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{path} can't be read ({error}). The gateway runs as user {os.getuid()}: let it read "
            "the file (`chmod 644 .env`), or set VUI_LITELLM_UID to your own user id (`id -u`)."
        ) from error
