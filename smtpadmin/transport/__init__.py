"""The only code that opens sockets, files on servers, or processes."""
