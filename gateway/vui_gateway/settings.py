"""Settings: from `.env`, and from the environment, which has precedence."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from vui_gateway.env_file import MAY_BE_EMPTY, read_env_file
from vui_gateway.errors import SettingError
from vui_gateway.named_files import mark, named_in, read_text
from vui_gateway.no_proxy import ask_directly
from vui_gateway.private_files import private_folder
from vui_gateway.variables import OWN_PREFIX, WITHOUT_EFFECT, unknown

__all__ = [
    "CONFIG_NAME", "DEFAULT_PORT", "ENV_NAME", "KEY_RULE", "MIN_KEY_LENGTH", "SettingError",
    "Settings", "file_marks", "is_usable_key", "named_files",
]  # fmt: skip

DEFAULT_PORT = 4000
MOST_CALLS = 500  # LiteLLM opens no more connections to one host
MIN_KEY_LENGTH = 16
KEY_RULE = (
    f"It is shorter than {MIN_KEY_LENGTH} characters, or holds a space or one that no HTTP header "
    "can carry. Choose another one, or leave it empty and one is made."
)
MOST_FILLER = 100  # characters
# After these vui ends a reply; those that a sentence can't hold are left out.
STOPS = ("[results", "[you asked", "one sec.", "hold on.", "give me a sec.")
SHORTENED = Repr(maxstring=80)
SWITCH = "Use 1 (on) or 0 (off)."
CONFIG_NAME, ENV_NAME = "litellm_config.yaml", ".env"
REDIS_URL = f"{OWN_PREFIX}REDIS_URL"


def is_usable_key(value: str) -> bool:
    """Whether a key is long enough, and can stand in an HTTP header."""
    return len(value) >= MIN_KEY_LENGTH and all("!" <= char <= "~" for char in value)


def _key(value: str) -> str:
    if not is_usable_key(value):
        raise ValueError
    return value


def _fillers(value: str) -> tuple[str, ...]:
    sentences = () if value == "0" else tuple(filter(None, map(str.strip, value.split("|"))))
    for one in sentences:  # vui takes nothing else for the end of one
        stops = any(stop in one.lower() for stop in STOPS)
        wordless = not any(map(str.isalnum, one))
        if len(one) > MOST_FILLER or one[-1] not in ".!?" or stops or wordless:
            raise ValueError
    return sentences


def _redis_url(value: str) -> str:
    parts = urlsplit(value)  # the port is checked when it is asked for
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.port == 0:
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
    drain_seconds: float = Field(
        0, ge=0, le=600, alias="VUI_GATEWAY_DRAIN_SECONDS",
        description="Use seconds such as 5, or leave it empty for none.",
    )  # fmt: skip
    published_port: int | None = Field(
        # Where compose.yaml publishes the port that is listened on.
        None, ge=1, le=65535, alias="VUI_GATEWAY_PUBLISHED_PORT",
        description=f"Use a port number such as {DEFAULT_PORT}.",
    )  # fmt: skip
    project: Path = Field(Path("/project"), alias="VUI_GATEWAY_PROJECT")
    key_file: Path = Field(Path("/run/vui-litellm/key"), alias="VUI_LITELLM_KEY_FILE")
    key: Annotated[str, BeforeValidator(_key)] = Field(
        "", alias="VUI_LITELLM_KEY", repr=False, description=KEY_RULE,
    )  # fmt: skip
    budget: float | None = Field(
        None, ge=0, allow_inf_nan=False, alias="VUI_LITELLM_BUDGET",
        description="Write US dollars per day, such as 0.50, or leave it empty for no limit.",
    )  # fmt: skip
    preconnect: bool = Field(True, alias="VUI_LITELLM_PRECONNECT", description=SWITCH)
    redis_url: Annotated[str, BeforeValidator(_redis_url)] = Field(
        "", alias="VUI_GATEWAY_REDIS_URL", repr=False,
        description="Write it as redis://:password@host:6379/0, with rediss:// for TLS.",
    )  # fmt: skip
    hedge: bool = Field(True, alias="VUI_LITELLM_HEDGE", description=SWITCH)
    plain_speech: bool = Field(True, alias="VUI_LITELLM_PLAIN_SPEECH", description=SWITCH)
    fillers: Annotated[tuple[str, ...], BeforeValidator(_fillers)] = Field(
        ("Hmm, let me think.", "Let me think about that.", "One moment, please.",
         "I'm still thinking."),
        alias="VUI_LITELLM_FILLERS",
        description=f"Write sentences of up to {MOST_FILLER} characters that end in . ! or ?, "
        f"without {', '.join(STOPS)}: Hm. | Still thinking., or 0 for none.",
    )  # fmt: skip
    calls: int = Field(
        256, ge=1, le=MOST_CALLS, alias="VUI_LITELLM_CALLS",
        description=f"Use a number of calls at once from 1 to {MOST_CALLS}.",
    )  # fmt: skip
    cache: bool = Field(True, alias="VUI_LITELLM_CACHE", description=SWITCH)
    context: int = Field(
        8192, gt=0, le=10_000_000, alias="VUI_LITELLM_CONTEXT",
        description="Use a number of tokens such as 8192.",
    )  # fmt: skip
    log: Annotated[Literal["info", "debug"], BeforeValidator(str.lower)] = Field(
        "info", alias="VUI_LITELLM_LOG", description="Use info or debug.",
    )  # fmt: skip
    # All variables, for the names in the configuration; and those of the environment alone.
    env: Mapping[str, str] = Field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = Field(default_factory=dict, repr=False)
    # Lines of `.env` without an effect.
    warnings: list[str] = Field(default_factory=list)
    # Variables that `.env` alone sets and LiteLLM can't start with.
    unusable: Mapping[str, str] = Field(default_factory=dict, repr=False)
    # `file_marks` from before the files were read.
    marks: Mapping[Path, tuple[int, ...]] = Field(default_factory=dict)

    @classmethod
    def load_usable(
        cls, environ: Mapping[str, str] = os.environ
    ) -> tuple[Self, SettingError | None]:
        """Read both. A `.env` that can't be used is left out, and its error is returned.

        Raises:
            SettingError: a value of the environment cannot be used.
        """
        try:
            return cls.load(environ), None
        except SettingError as error:
            return cls.load(environ, env_file=False), error

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, *, env_file: bool = True) -> Self:
        """Read the environment, and `.env` of the project folder.

        `.env` is read from a mount and not passed by Compose: an environment variable of a
        container is shown to everyone who may run `docker inspect`.

        Raises:
            SettingError: a value cannot be used.
        """
        given = {n: v.strip() for n, v in environ.items() if v.strip() or n in MAY_BE_EMPTY}
        project = Path(given.get("VUI_GATEWAY_PROJECT") or cls.model_fields["project"].default)
        marks = file_marks(project)
        file, warnings = read_env_file(project / ENV_NAME) if env_file else ({}, [])
        env = {**{k: v for k, v in file.items() if not k.startswith(OWN_PREFIX)}, **given}
        if secret := given.get(f"{REDIS_URL}_FILE"):  # it may hold a password, as a key does
            env[REDIS_URL] = _read_secret(Path(secret), f"{REDIS_URL}_FILE")
        values: dict[str, Any] = {**env, "env": env, "environ": dict(environ), "marks": marks}
        values["warnings"] = warnings
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            name = str(error.errors(include_url=False)[0]["loc"][0])
            cure = next(f.description for f in cls.model_fields.values() if f.alias == name)
            hidden = "KEY" in name or name == REDIS_URL
            shown = "can't be used" if hidden else f"is {SHORTENED.repr(env[name])}"
            spoken = f"In the env file, {name} {shown}. {cure}"
            raise SettingError(f"{name} {shown}. {cure}", spoken) from None

    @property
    def unknown(self) -> dict[str, str]:
        """Variables of `.env` that LiteLLM, or a library, may read at the start."""
        return unknown(self.env, self.environ)

    def without(self, unusable: Mapping[str, str]) -> Self:
        """These settings without some variables, as long as those have these values."""
        env = {name: v for name, v in self.env.items() if unusable.get(name) != v}
        return self.model_copy(update={"env": env, "unusable": unusable})

    def beside(self, variables: Mapping[str, str]) -> Self:
        """These settings with variables that the configuration sets."""
        return self.model_copy(update={"env": {**self.env, **variables}}) if variables else self

    @property
    def config(self) -> Path:
        """The path of the model file."""
        return self.project / CONFIG_NAME

    def address(self, port: int) -> str:
        """The address of the gateway that listens on `port`."""
        anywhere = self.published_port or self.host in ("0.0.0.0", "::", "")  # noqa: S104
        host = "127.0.0.1" if anywhere else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.published_port or port}"

    @property
    def status_file(self) -> Path:
        """Where the gateway that runs on this port leaves its status.

        Raises:
            OSError: its folder isn't ours alone.
        """
        parent = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        return private_folder(parent / f"vui-gateway-{os.getuid()}") / f"{self.port}.json"

    def export(self, key: str, before: Self | None = None) -> None:
        """Put `.env` and the key into this process's environment, where LiteLLM looks.

        before: the settings in force until now, whose variables may be gone from `.env`.
        """
        for name in set(before.env if before else ()) - set(self.env):
            os.environ.pop(name, None)
        os.environ.update({k: v for k, v in self.env.items() if k not in WITHOUT_EFFECT})
        os.environ["VUI_LITELLM_KEY"] = key
        ask_directly()  # whatever their NO_PROXY is


def _read_secret(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cure = "It names a file that holds the address of Redis, such as a Docker secret."
        raise SettingError(f"{variable}: {path} can't be read ({error}). {cure}") from error


def file_marks(project: Path, named: Iterable[Path] = ()) -> dict[Path, tuple[int, ...]]:
    """Marks that change when one of the two files changes, or one that they name."""
    return {path: mark(path) for path in (project / CONFIG_NAME, project / ENV_NAME, *named)}


def named_files(project: Path) -> list[Path]:
    """The files beside the two that they name."""
    found: list[str] = []
    for name in (CONFIG_NAME, ENV_NAME):
        with suppress(OSError, UnicodeDecodeError):
            found += named_in(read_text(project / name))
    return [project / name for name in found]
