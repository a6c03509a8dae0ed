"""What a gateway remembers, and shares with others: cooldowns, money, keys, first words."""
