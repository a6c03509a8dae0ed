"""A deployment: one entry of `model_list`, as the engine sees it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Deployment"]


class Deployment(NamedTuple):
    """One entry of `model_list`.

    Attributes:
        id, model: LiteLLM's.
        first_words: its own limit in seconds until the first word, such as for loading a model.
        thinks: its configuration asks for thinking.
        thinks_aloud: its model's name says so; None where its server separates thoughts.
        cites: its model marks its sources in the text.
        price: US dollars for a token in and for one out, where it is known.
        cache_price: the same for one that is read from the provider's prompt cache, or written.
        server: which it is on, where that is known: two requests to one share its time.
        local: it is one's own: a request costs nothing.
    """

    id: str
    model: str
    first_words: float | None = None
    thinks: bool = False
    price: tuple[float, float] | None = None
    cache_price: tuple[float, float] | None = None
    server: str = ""
    local: bool = False
    thinks_aloud: bool | None = None
    cites: bool = False
