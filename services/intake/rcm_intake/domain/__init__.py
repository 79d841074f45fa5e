"""What an encounter's record is and when it is complete. Pure: no I/O, no clock, no random ids."""
