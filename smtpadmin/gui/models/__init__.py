"""Qt models over the row store."""
