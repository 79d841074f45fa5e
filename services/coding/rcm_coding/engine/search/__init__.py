"""The encoder: codes by number or by words, with spelling mistakes; the tree with its notes; what a code lacks."""
