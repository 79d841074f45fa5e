"""What follows from facts and commands: pure decide functions over the coding case."""
