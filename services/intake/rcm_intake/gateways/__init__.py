"""Readers of what hospitals send: bytes in, `EncounterMessage`s or a refusal out."""
