"""Vehicles in JSON-LD: the nodes of schema.org's vehicle types, wherever they stand in a document.

Sources: schema.org/Vehicle; JSON-LD 1.1, sections 3.3 (`@id`), 3.5 (`@type`), 4.9 (`@graph`); Google Search Central,
"Vehicle listing structured data". Property names are taken as schema.org's whatever `@context` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeGuard

VEHICLE_TYPES: Final = frozenset({"Car", "Vehicle", "MotorizedVehicle", "Motorcycle", "BusOrCoach"})
_PRODUCT_TYPES = frozenset({"Product", "IndividualProduct", "ProductModel"})
_ONLY_VEHICLES_HAVE = frozenset(
    {
        "bodyType",
        "dateVehicleFirstRegistered",
        "driveWheelConfiguration",
        "fuelType",
        "mileageFromOdometer",
        "vehicleConfiguration",
        "vehicleEngine",
        "vehicleIdentificationNumber",
        "vehicleModelDate",
        "vehicleTransmission",
    }
)
"""A product with one of these is a vehicle, whatever its type says."""
_REFERENCE_KEYS = frozenset({"@id", "@type"})
_VOCABULARY = re.compile(r"^.*[/#:]", re.DOTALL)
_ROOM = 5_000
_CHARACTERS = 16
"""So many values, or 16 times as many characters, may references bring into one vehicle."""
_DEEPEST_REFERENCE = 8
_DEEPEST = 64
_TURN = 2_000
_VALUE_COST = 60
_COSTLY = 50_000

Node = Mapping[str, object]


def vehicles(document: object) -> Iterator[Node]:
    """The vehicle nodes of a JSON-LD document (parsed JSON), in their order; a vehicle inside of one is part of it.

    A list is taken as several documents that may refer to each other, such as all scripts of a page. A reference
    (`{"@id": …}`, at most with a type) is replaced by the first node of that id, if there is one, unless it stands in
    that node itself or there would be too much of it. A vehicle without `offers` gets the offer whose `itemOffered`
    it is.
    """
    data = LinkedData()
    for _ in data.read(document):
        pass
    yield from data.vehicles(0)


def is_json_ld(document: object) -> bool:
    """True for a JSON object that says it is linked data of schema.org."""
    return isinstance(document, Mapping) and "schema.org" in str(document.get("@context"))[:1000]


def is_linked(value: object) -> TypeGuard[Node]:
    """The same, made cheap for values that are not."""
    return value.__class__ is dict and "@context" in value and is_json_ld(value)


PAUSE: Final = object()


def unwrapped(document: Node) -> Iterator[object]:
    """The vehicles of one document without their `@context`, else the document itself without; `PAUSE` now and then."""
    data = LinkedData()
    for _ in data.read(document):
        yield PAUSE
    for vehicle in data.vehicles(0) if data.count else (document,):
        if data.cost > _COSTLY:
            yield PAUSE
        yield {name: value for name, value in vehicle.items() if name != "@context"}


class LinkedData:
    """All that has an id, and all vehicles, of documents that may refer to each other."""

    def __init__(self) -> None:
        self._by_id: dict[str, Node] = {}
        self._found: list[tuple[Node, Node | None]] = []
        """A vehicle and the offer around it."""
        self._offers: dict[str, Node] = {}
        """Offers by the id of the vehicle they are for."""
        self.cost = 0
        """Of the vehicle given last: what references brought into it, in units of some 20 ns."""

    @property
    def count(self) -> int:
        """Vehicles so far."""
        return len(self._found)

    def read(self, document: object) -> Iterator[None]:
        """Takes in one more document; stops now and then for the caller's sake."""
        waiting: list[tuple[object, Node | None, bool]] = [(document, None, False)]
        done = 0
        while waiting:
            value, offer, inside = waiting.pop()
            if isinstance(value, Mapping):
                inside = self._take(value, offer, inside) or inside
                waiting += reversed([(part, _offer_around(value, key), inside) for key, part in value.items()])
            elif isinstance(value, list):
                waiting += reversed([(part, offer, inside) for part in value])
            done += 1
            if done % _TURN == 0:
                yield

    def vehicles(self, start: int, end: int | None = None) -> Iterator[Node]:
        """The vehicles from the one of number `start` (0-based) to before `end`, whole."""
        for vehicle, offer in self._found[start:end]:
            whole = dict(vehicle)
            around = offer or self._offers.get(str(vehicle.get("@id")))
            if around is not None and "offers" not in whole:
                whole["offers"] = {key: value for key, value in around.items() if key != "itemOffered"}
            resolver = _Resolver(self._by_id)
            resolved = resolver.resolved(whole)
            self.cost = resolver.brought * _VALUE_COST
            yield resolved

    def _take(self, node: Node, offer: Node | None, inside: bool) -> bool:
        """Remembers what the node is; True for a vehicle."""
        name = node.get("@id")
        if isinstance(name, str):
            if _is_reference(node):
                if offer is not None:
                    self._offers.setdefault(name, offer)
                return False
            self._by_id.setdefault(name, node)
        if not _is_vehicle(node):
            return False
        if not inside:
            self._found.append((node, offer))
        return True


class _Resolver:
    """Puts nodes where one vehicle refers to them, within bounds: references may multiply, or go in circles."""

    def __init__(self, by_id: Mapping[str, Node]) -> None:
        self._by_id = by_id
        self._room = _ROOM

    @property
    def brought(self) -> int:
        """Values that references brought in."""
        return _ROOM - self._room

    def resolved(self, node: Node) -> Node:
        name = node.get("@id")
        return {key: self._value(value, 1, (str(name),)) for key, value in node.items()}

    def _value(self, value: object, depth: int, around: tuple[str, ...]) -> object:
        if depth > _DEEPEST:
            return value
        if isinstance(value, list):
            return [self._value(part, depth + 1, around) for part in value]
        if not isinstance(value, Mapping):
            return value
        if _is_reference(value):
            name = str(value["@id"])
            node = self._by_id.get(name)
            if node is None or name in around or len(around) > _DEEPEST_REFERENCE or not self._has_room(node):
                return value
            value, around = node, (*around, name)
        return {key: self._value(part, depth + 1, around) for key, part in value.items()}

    def _has_room(self, node: Node) -> bool:
        """Takes the room that the node needs, if there is so much."""
        room = self._room
        waiting: list[object] = [node]
        while waiting and room > 0:
            value = waiting.pop()
            room -= 1
            if isinstance(value, Mapping):
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
            elif isinstance(value, str):
                room -= len(value) // _CHARACTERS
        if room > 0:
            self._room = room
        return room > 0


def _offer_around(node: Node, key: str) -> Node | None:
    return node if key == "itemOffered" else None


def _is_reference(node: Node) -> bool:
    return "@id" in node and node.keys() <= _REFERENCE_KEYS


def _is_vehicle(node: Node) -> bool:
    types = _types(node)
    return not types.isdisjoint(VEHICLE_TYPES) or (
        not types.isdisjoint(_PRODUCT_TYPES) and not node.keys().isdisjoint(_ONLY_VEHICLES_HAVE)
    )


def _types(node: Node) -> frozenset[str]:
    """Without the vocabulary in front: `schema:Car` and `https://schema.org/Car` are `Car`."""
    named = node.get("@type")
    names = named if isinstance(named, list) else [named]
    return frozenset(_VOCABULARY.sub("", name) for name in names if isinstance(name, str))
