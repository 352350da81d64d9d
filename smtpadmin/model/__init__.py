"""Nouns of the field: frozen dataclasses and enums, standard library only."""
