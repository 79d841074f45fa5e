"""What audit does with events (journal) and what it proves of them (checkpoints)."""
