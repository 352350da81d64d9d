"""The message tracking engine."""
