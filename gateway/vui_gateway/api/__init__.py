"""What a client may ask, and what it gets to see."""
