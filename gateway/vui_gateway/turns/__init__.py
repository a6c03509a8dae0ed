"""One call on its way: who is asked, for how long, and what is said."""
