"""What is done about failures: sorted, delayed, retried, dead-lettered. Pure: decisions and header bytes only."""
