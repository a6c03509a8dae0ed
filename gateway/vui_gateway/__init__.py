"""The LiteLLM sidecar of vui."""
