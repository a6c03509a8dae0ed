"""Google's and Amazon's ambient credentials: where there are none, they are sought every 5 min."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from litellm.llms.bedrock.base_aws_llm import BaseAWSLLM
from litellm.llms.vertex_ai.vertex_llm_base import VertexBase

__all__ = ["forget", "install"]

SEARCH_PAUSE = 300.0  # seconds: a metadata server may have been away for a moment only


class _Search:
    """A search that is made anew some minutes after one in vain.

    Both clouds have a metadata server that is asked last, and outside of them nothing may answer
    at its address: Google's library waits three times for three seconds
    (https://google.aip.dev/auth/4115), Amazon's twice for one
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one searches, the others wait for its result
        self._until = 0.0
        self._answer: Any = None

    def __call__(self, find: Callable[[], Any], in_vain: Callable[[Any], bool]) -> Any:
        """The result of the search, or of the last one in vain."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._answer
            found = find()
            if in_vain(found):
                self._until, self._answer = time.monotonic() + SEARCH_PAUSE, found
            return found


_find_googles = VertexBase._credentials_from_default_auth
_find_amazons = BaseAWSLLM._auth_with_env_vars
_googles, _amazons = _Search(), _Search()


def install() -> None:
    """Put it in place; a second time does nothing."""
    VertexBase._credentials_from_default_auth = _of_google
    BaseAWSLLM._auth_with_env_vars = _of_amazon


def forget() -> None:
    """Search anew: a configuration may have brought credentials, also during a search."""
    global _googles, _amazons
    _googles, _amazons = _Search(), _Search()


def _of_google(self: VertexBase, scopes: Any) -> Any:
    from google.auth.exceptions import DefaultCredentialsError

    def find() -> Any:
        try:
            return _find_googles(self, scopes)
        except DefaultCredentialsError as error:
            return str(error)

    found = _googles(find, lambda found: isinstance(found, str))
    if isinstance(found, str):
        raise DefaultCredentialsError(found)
    return found


def _of_amazon(self: BaseAWSLLM) -> Any:
    """LiteLLM's own: the credentials, or None, and the seconds that it keeps them."""
    return _amazons(lambda: _find_amazons(self), lambda found: found[0] is None)
