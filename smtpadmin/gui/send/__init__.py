"""The parts of the send-test dialog: composing at the left, what came of it at the right."""
