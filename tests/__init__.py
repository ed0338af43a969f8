"""End-to-end tests: the installed wheel, real processes, real sockets."""
