"""Benchmarks: each reports ratios within one run, beside a baseline of the same run."""
