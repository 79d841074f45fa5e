"""Runs the system and acts upon it from outside: command line, engines, demo, payer stand-in, chaos, benchmarks."""
