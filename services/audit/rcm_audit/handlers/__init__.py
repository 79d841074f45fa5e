"""What audit does with events (journal), proves of them (checkpoints) and tells of one case (cases)."""
