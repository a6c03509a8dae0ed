"""Every fact about a provider, with its source."""
