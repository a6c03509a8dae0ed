"""Attacks on the gateway, from outside, from a provider, and with the key."""

from __future__ import annotations

# ---- Without the key: connections, requests, trailers ----

# ---- From a provider: redirects, error pages, bombs, floods ----

# ---- With the key: names, bodies, secrets, what is shown ----

# ---- Money: budget, clock, usage ----
