"""The connection wizard's pages."""
