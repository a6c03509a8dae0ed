"""The cost of calls, and their records."""
