"""What a run came to: facts, and the sentences that say them."""
