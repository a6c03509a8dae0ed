"""One call on its way: who is asked, who is left alone, what it cost."""
