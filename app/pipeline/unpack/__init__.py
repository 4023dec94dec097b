"""What a stored file is packed in: `streams` unpacks one member at a time, `archive` finds the data file of a zip.

`app.pipeline.decompress` is the edge.
"""
