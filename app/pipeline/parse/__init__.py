"""From a stream of byte chunks to records: flat memory, bounded steps, and no bad record harms its neighbours.

`FileReader` is the edge; behind it a file passes `decompress`, `text` and `sniff`, then the parser of its format,
which puts what it finds into a `Gather`.
"""

from app.pipeline.parse.reader import FileReader

__all__ = ["FileReader"]
