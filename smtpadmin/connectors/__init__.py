"""One file for each server product."""
