"""Training and measuring the suggestion engine: corpora, generated notes, the fit, the evaluation. Offline only."""
