"""What operators see of a worker: metrics, log events, health."""
