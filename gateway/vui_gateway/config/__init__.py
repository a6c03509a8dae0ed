"""The user's `litellm_config.yaml` and `.env`: their shape, a voice's defaults, hot reload."""
