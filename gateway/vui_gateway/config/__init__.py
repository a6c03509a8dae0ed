"""From `litellm_config.yaml` and variables to a `Config`: checks, cures, a voice's defaults."""
