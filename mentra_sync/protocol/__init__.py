"""The wire of MentraOS as dataclasses: no threads, no sockets, no Flask."""
