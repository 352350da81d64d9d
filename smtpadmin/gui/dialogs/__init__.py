"""Dialogs: opened, awaited, never executed in a nested loop."""
