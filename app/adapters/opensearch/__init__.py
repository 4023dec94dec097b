"""OpenSearch: the one client, the shared bulk writer, the declared indices, searching, outcomes."""
