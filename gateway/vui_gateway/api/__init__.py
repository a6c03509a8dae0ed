"""The HTTP API: requests, answers, and the page."""
