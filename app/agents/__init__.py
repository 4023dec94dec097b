"""The Faust side: agents, and what makes them acknowledge last.

`faust -A app.agents worker` finds the application here. It is built on first use, by the composition root, so that
importing this package needs neither settings nor servers.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    # The only upward reference: Faust's users expect the application to hang here, and only the root can build it.
    from importlib import import_module

    return import_module("app.bootstrap").faust_app()
