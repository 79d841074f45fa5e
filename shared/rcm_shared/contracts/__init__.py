"""The words that services exchange: envelope, events, topics. Nothing else is shared vocabulary."""
