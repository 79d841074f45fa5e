"""The suggestion engine: a pure library from note text to codes with the words that support them.

It reads no clock, no network and no database, so the service, the command line and the benchmarks run the
same code.
"""

ENGINE_VERSION = "rcm-cac/0.3"
