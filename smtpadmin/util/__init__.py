"""Small things that every layer may use."""
