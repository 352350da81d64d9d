"""Pure parsers and writers: bytes or text in, model out."""
