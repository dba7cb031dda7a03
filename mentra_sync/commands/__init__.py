"""What ``mentra-sync`` does: a module for each command."""
