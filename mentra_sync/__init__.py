"""Apps for smart glasses in plain, synchronous Python."""
