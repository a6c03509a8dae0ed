"""Who may ask: the holder of the key, compared in constant time."""

from __future__ import annotations

import hmac
import os

from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

from vui_gateway.doors import KEY_REFUSED

__all__ = ["accepts", "check"]


def accepts(authorization: str) -> bool:
    """True when the value of an Authorization header carries the key of this gateway."""
    scheme, _, token = authorization.partition(" ")
    key = os.environ["VUI_LITELLM_KEY"]
    right = hmac.compare_digest(token.strip().encode(), key.encode())
    return right and scheme.lower() == "bearer"


async def check(request: Request, api_key: str) -> UserAPIKeyAuth:
    """LiteLLM's `general_settings.custom_auth`.

    Raises:
        ProxyException: 401 in OpenAI's error format, for a missing and for a wrong key alike.

    Source: https://docs.litellm.ai/docs/proxy/custom_auth
    """
    if not accepts(request.headers.get("authorization", "")):
        raise ProxyException(KEY_REFUSED, "invalid_request_error", None, 401)
    # Not the key itself: LiteLLM writes this into logs and metrics.
    return UserAPIKeyAuth(api_key="vui", user_id="vui", user_role=LitellmUserRoles.INTERNAL_USER)
