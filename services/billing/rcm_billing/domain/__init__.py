"""What billing decides: pure, without I/O, clock or ids of its own making."""
