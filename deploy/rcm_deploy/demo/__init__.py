"""The demonstration: shipped encounters, published and played to their end."""
