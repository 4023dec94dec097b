"""The real servers on one machine, as child processes, for demos and tests; `stack.Stack` is the way in.

This file imports nothing, so that `python -m app.devstack.prefetch` works before anything is installed.
"""
