"""Readers of published code-set files: bytes in, checked rows out. Pure; each refuses a broken file whole."""
