"""The shape of `litellm_config.yaml`, as far as it is checked; LiteLLM knows many more fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["FIELD_CURES", "File", "Prices", "Timing"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] | None

# A number that YAML takes for text, too: 4e-7 has no point.
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class Prices(BaseModel):
    """Prices of a deployment, instead of those in LiteLLM's table."""

    model_config = ConfigDict(extra="allow")
    input_cost_per_token: Price = None
    output_cost_per_token: Price = None


class Timing(BaseModel):
    """Settings of a deployment and of the router alike; LiteLLM knows many more."""

    model_config = ConfigDict(extra="allow")
    order: Number = None
    timeout: Number = None
    stream_timeout: Number = None
    cooldown_time: Number = None
    num_retries: Number = None
    max_retries: Number = None
    rpm: Number = None
    tpm: Number = None


class Router(Timing):
    model_group_alias: dict[str, Any] | None = None


class Info(Prices):
    mode: str | None = None
    local: Annotated[bool, Field(strict=True)] | None = None


class Params(Timing, Prices):
    model: Name


class Entry(BaseModel):
    """One of `model_list`: https://docs.litellm.ai/docs/proxy/configs"""

    model_config = ConfigDict(extra="allow")
    model_name: Name
    litellm_params: Params
    model_info: Info | None = None


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model_list: Annotated[list[Entry], Field(min_length=1)]
    litellm_settings: dict[str, Any] | None = None
    router_settings: Router | None = None
    general_settings: dict[str, Any] | None = None
    credential_list: list[dict[str, Any]] | None = None


# The error of a field and its cure, where pydantic's own words aren't enough.
FIELD_CURES = {
    "model_list": ("model_list is missing or empty", "List one model at least."),
    "model_name": ("model_name is missing", "Give the model the name that vui shows."),
    "litellm_params": ("litellm_params is missing", "It needs `model: provider/name` at least."),
    "local": ("model_info.local is neither true nor false", "Write `local: true` for your own."),
    "model": ("there is no litellm_params.model", "Write it as `model: provider/name`."),
}
