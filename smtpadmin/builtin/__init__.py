"""The built-in mail server, reached only through its own sockets."""
