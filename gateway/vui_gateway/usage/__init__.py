"""What calls cost, and what is recorded of them."""
