"""What session.<name> offers: one file and one class each."""
