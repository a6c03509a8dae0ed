"""All that touches LiteLLM, whose upgrades are reviewed here."""

# LiteLLM reads it at its import.
from vui_gateway.litellm_proxy import environment as environment
