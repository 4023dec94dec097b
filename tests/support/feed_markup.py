"""Listings as senders write them in XML and in web pages."""

from __future__ import annotations

from xml.sax.saxutils import escape

import orjson

from tests.support.feed_text import listing


def element(number: int, inside: str = "") -> str:
    """A listing that is accepted, by our own field names, as an element `car`."""
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in listing(number).items())
    return f"<car>{fields}{inside}</car>"


def xml(*elements: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> bytes:
    return (head + "<cars>\n" + "\n".join(elements) + "\n</cars>\n").encode()


def node(number: int) -> dict[str, object]:
    """The same in schema.org's words and ours, as JSON-LD."""
    return {
        "@context": "https://schema.org",
        "@type": "Car",
        "@id": f"https://lot.example/{number}",
        "brand": "Volkswagen",
        "vehicleModelDate": "2019",
        "url": f"https://lot.example/{number}",
        **listing(number),
    }


def script(text: bytes) -> bytes:
    return b'<script type="application/ld+json">' + text + b"</script>\n"


def page(*scripts: bytes) -> bytes:
    return b"<!DOCTYPE html>\n<html><head><title>Cars</title>\n" + b"".join(scripts) + b"</head><body></body></html>\n"


def car_script(number: int) -> bytes:
    return script(orjson.dumps(node(number)))
