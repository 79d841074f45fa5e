"""Where billing meets the outside: intake over HTTP, the payer through a file exchange, the gate's worker
process.
"""
