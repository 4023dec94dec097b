"""From a notification to indexed documents, one module a step; pure: what is outside comes in through `app.ports`."""
