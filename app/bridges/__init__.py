"""Bridges for stores that can not write to Kafka themselves: they carry notifications to `listing-uploads`.

A bridge understands nothing: it passes bytes on as they came, and the gate judges them. What it promises is that a
notification is acknowledged where it came from only after Kafka has confirmed it.
"""
