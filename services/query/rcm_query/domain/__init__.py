"""Pure rules of the provider query: states, composition, compliance. No I/O, no clock, no ids made here."""
