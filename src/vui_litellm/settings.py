"""Settings on vui's side: read once, at start; a bad value is one clear sentence."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import httpx
from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["DEFAULT_MODEL", "DEFAULT_URL", "RenewableKey", "SettingError", "Settings"]

DEFAULT_URL = "http://localhost:4000"
DEFAULT_MODEL = "openai/gpt-4o-mini"
PREFIX = "VUI_LITELLM_"
# https://platform.openai.com/docs/api-reference/chat/create#chat-create-reasoning_effort
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
VALUE_CURES = {
    "url": f"Write an http address such as {DEFAULT_URL}",
    "reasoning_effort": f"Use one of {', '.join(get_args(Effort))}, or leave it empty",
    "context": "Use the model's context in tokens, a whole number such as 8192",
    "speak_errors": "Use 1 (on) or 0 (off)",
    "head_start": "Use 1 (on) or 0 (off)",
    "VUI_LAN": "Use 1 (other devices too, with a token) or 0 (this machine only)",
}


class SettingError(ValueError):
    """A setting has a bad value; the message names it, what is wrong, and the cure."""


def _http_url(value: str) -> str:
    TypeAdapter(HttpUrl).validate_python(value)
    return value.rstrip("/")


def _key(name: str, value: str) -> str:
    if not all("!" <= char <= "~" for char in value):
        wrong = "holds a space or a character that no HTTP header can carry"
        raise SettingError(f"{PREFIX}{name} {wrong}. Copy the key again.")
    return value


def _key_from(file: str) -> str:
    named = f"{PREFIX}KEY_FILE names {file}"
    try:
        key = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cure = f"Start the gateway first, it writes that file; or set {PREFIX}KEY instead"
        raise SettingError(f"{named}, which can't be read ({error}). {cure}.") from error
    if not key:
        raise SettingError(f"{named}, which is empty. Put the gateway's key in it.")
    return _key("KEY_FILE", key)


class Settings(BaseSettings):
    """How to reach the gateway, and how to behave in front of it: the `VUI_LITELLM_*` variables.

    lan: whether other devices may use vui's page, with a token: `VUI_LAN`.
    recognizer: the model with which vui understands speech: `VUI_ASR`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    url: Annotated[str, AfterValidator(_http_url)] = DEFAULT_URL
    model: str = DEFAULT_MODEL
    key: str | None = Field(default=None, repr=False)
    key_file: str | None = None
    reasoning_effort: Effort | None = None
    context: int = Field(default=8192, gt=0)
    speak_errors: bool = True
    head_start: bool = True
    lan: bool = Field(default=False, validation_alias="VUI_LAN")
    recognizer: str | None = Field(default=None, validation_alias="VUI_ASR")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Empty variables count as unset; the key may be in a file."""
        values = {name: text for name, value in values.items() if (text := str(value).strip())}
        if "key" in values:
            return {**values, "key": _key("KEY", values["key"]), "key_file": None}
        return {**values, "key": _key_from(values["key_file"])} if "key_file" in values else values

    @property
    def backend_options(self) -> dict[str, Any]:
        """The arguments of the backend that the environment describes."""
        return {
            "model": self.model, "base_url": self.url, "api_key": self.key,
            "read_key": self.read_key, "reasoning_effort": self.reasoning_effort,
            "max_model_len": self.context, "speak_errors": self.speak_errors,
            "starts_ahead": self.head_start,
        }  # fmt: skip

    def read_key(self) -> str | None:
        """The key file's key as it is now: the gateway may have got another one since."""
        try:
            return _key_from(self.key_file) if self.key_file else None
        except SettingError:
            return None

    @classmethod
    def from_env(cls) -> Settings:
        """Read the environment; SettingError when a value can't be used."""
        try:
            return cls()
        except ValidationError as errors:
            first = errors.errors()[0]
            if isinstance(error := first.get("ctx", {}).get("error"), SettingError):
                raise error from None
            name = str(first["loc"][0])
            variable = name if name.isupper() else PREFIX + name.upper()
            message = f"{variable} is {first['input']!r}. {VALUE_CURES[name]}."
            raise SettingError(message) from None


class RenewableKey(httpx.Auth):
    """Repeats a request whose key is refused, when the gateway has got another one since."""

    def __init__(self, read_key: Callable[[], str | None], headers: dict[str, str]) -> None:
        self._read_key, self._headers = read_key, headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        response = yield request
        key = self._read_key() if response.status_code == httpx.codes.UNAUTHORIZED else None
        if key and request.headers.get("Authorization") != f"Bearer {key}":
            self._headers["Authorization"] = request.headers["Authorization"] = f"Bearer {key}"
            yield request
