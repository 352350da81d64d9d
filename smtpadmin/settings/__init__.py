"""Profiles in the OS keyring, preferences, journal, paths."""
