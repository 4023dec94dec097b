"""A process of its own for what can crash, or take what memory and time there are: bounded by the kernel."""
