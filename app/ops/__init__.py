"""What operators do, as functions over ports: used by the command line."""
