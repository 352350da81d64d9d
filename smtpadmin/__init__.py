"""smtpadmin: a desktop console for the people who run mail servers."""

__version__ = "0.1.0"
