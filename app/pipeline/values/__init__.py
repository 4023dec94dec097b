"""What senders write, read as values: one module for each kind of value. Pure functions that never raise."""
