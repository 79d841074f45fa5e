"""Load the set, decide each, save the set; the transaction is opened at the edge."""
