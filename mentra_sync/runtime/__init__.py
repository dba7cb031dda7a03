"""Threads and sockets: everything that moves frames and runs callbacks. Knows no feature."""
