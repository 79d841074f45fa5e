"""Pure parts of audit: the hash chain, the signed checkpoint, where an encounter stands, its timeline."""
