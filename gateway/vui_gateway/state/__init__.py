"""State that a gateway keeps and shares: cooldowns, spending, keys, first words."""
