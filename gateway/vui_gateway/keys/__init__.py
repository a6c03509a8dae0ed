"""Who may ask: the owner's key, and clients'."""
