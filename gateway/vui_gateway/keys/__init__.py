"""Keys: the owner's and the clients'."""
