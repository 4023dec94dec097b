"""What senders call our fields, in the languages of the public samples: the first guess at what a column is.

Names are folded before they are compared: words apart, no case, no accents (`yearOfRegistration`, `Annonse ID`). Of
the names of a field the first are the surest.
"""

from __future__ import annotations

import re

from app.pipeline.values.codes import CURRENCIES
from app.pipeline.values.text import fold

NAMES: dict[str, str] = {
    "source_listing_id": "source listing id|listing id|listingid|ad id|adid|annonse id|annonsid|vehicle id|inserat id"
    "|anzeigen id|offer id|item id|stock id|id|uuid|listing number|lot number|source id|external id|reference|ref|key",
    "vin": "vin|vehicle identification number|vin number|chassis number|chassis no|chassi|chassis|fin"
    "|fahrgestellnummer|fahrzeug identifizierungsnummer|niv|numero de serie",
    "stock_number": "stock number|stock no|stock|stocknumber|stock nr|inventory number|seller inventory key",
    "source_url": "source url|listing url|product url|vehicle url|detail url|ad url|page url|url|link|href|permalink",
    "title": "title|headline|heading|ad title|name|titel|titulo|titre|tittel|car name",
    "description": "description|beschreibung|descricao|descripcion|beskrivelse|free text|comments|text|observacao",
    "make": "make|brand|manufacturer|make name|brand name|manufacturer name|marke|marca|marque|merk|merke|hersteller"
    "|fabricante|montadora|marka|марка",
    "model": "model|model name|model description|modelo|modell|modele|modello|model group|модель",
    "trim": "trim|trim level|version|variant|model version|model version input|versao|ausstattungslinie"
    "|finition|derivative",
    "year": "year|model year|year of manufacture|year produced|production year|ano modelo|anomodelo"
    "|vehicle model date|baujahr"
    "|bouwjaar|modellaar|arsmodell|modellar|annee|anno|ano|rok|year of registration|registration year|год",
    "build_year": "build year|ano fabricacao|anofabricacao|anofab|construction date|year built",
    "first_registration": "first registration|first registration date|date of first registration|erstzulassung"
    "|date vehicle first registered|registration date|mise en circulation|eerste registratie|1st registration",
    "condition": "condition|used new|new used|stock type|state of vehicle|item condition|ownership condition|zustand"
    "|estado|etat|tilstand|offer type",
    "status": "status|availability|lifecycle state|active|ad status",
    "vehicle_type": "vehicle type|category|type|class|articletype|article type",
    "body_type": "body type|body style|bodytype|body|karosserie|karosserieform|carroceria|carrosserie|karosseri"
    "|carrozzeria|vehicle type|type|category|кузов",
    "fuel_type": "fuel type|fuel|fueltype|kraftstoff|kraftstoffart|engine fuel|combustivel|combustible|carburant"
    "|drivstoff|brandstof|carburante|energie|топливо|engine type|engine",
    "transmission": "transmission|gearbox|transmission type|vehicle transmission|getriebe|cambio|girkasse"
    "|boite de vitesse"
    "|boite|transmissao|versnellingsbak|gear|коробка",
    "drivetrain": "drivetrain|drive train|drive type|drive wheel configuration|drive|wheel drive|antrieb|hjuldrift"
    "|traction|tracao|driven wheels|transmission|привод",
    "mileage": "mileage|odometer|odometer value|mileage value|mileage from odometer|kilometers driven|kms driven"
    "|kilometers|kilometres|kilometerstand|laufleistung|kilometrage|kilometraje|quilometragem|kilometer|km stand"
    "|km|kms|miles|odometer reading|mileage in km|przebieg|mileage2|пробег",
    "mileage_unit": "mileage unit|odometer unit|mileage unit code",
    "price_amount": "price|asking price|sale price|selling price|price amount|internet price|price current|preis|precio"
    "|preco|prix|pris|prijs|prezzo|cena|consumer price amount|price numeric|price formatted|price value|amount|цена",
    "price_currency": "price currency|currency|currency code|waehrung|wahrung|moneda|moeda|devise|valuta",
    "price_msrp": "msrp|vehicle msrp|list price|new price|neupreis|suggested retail price|normal price",
    "price_net": "price net|net price|nettopreis|prix ht",
    "price_previous": "price previous|previous price|old price|old price value",
    "vat_rate": "vat rate|vat|mwst",
    "power_kw": "power|engine power|horsepower|horse power|leistung|potencia|puissance|effekt|vermogen|hp|ps|kw|bhp",
    "engine_cc": "engine size|engine displacement|displacement|engine capacity|engine volume|hubraum|cilindrada"
    "|cylindree"
    "|cubic capacity|capacity|engine displacement in ccm|engine cc|engine|motor",
    "cylinders": "cylinders|number of cylinders|no of cylinders|zylinder|cilindros|engine",
    "doors": "doors|number of doors|no of doors|door count|turen|portas|puertas|portes|dorer",
    "seats": "seats|number of seats|no of seats|seating capacity|sitze|plazas|places|seter",
    "color_exterior": "exterior color|exterior colour|color|colour|body color|paint color|farbe|couleur|farge|kleur|cor"
    "|colore|цвет",
    "color_interior": "interior color|interior colour|innenfarbe|vehicle interior color",
    "features": "features|vehicle option|options|equipment|opcionais|opcionales|ausstattung|utstyr|equipements",
    "image_urls": "image urls|images|image url|image|image link|additional image link|photos|photo|fotos|foto|pictures"
    "|picture|photo url|image list|bilder|thumbnail",
    "seller_type": "seller type|seller|dealer type|advertiser type|verkaufer|seller kind",
    "dealer_id": "dealer id|dealerid|store code|seller id|feed id",
    "dealer_name": "dealer name|dealership name|seller name|dealer|company name|seller company name|loja|dealership",
    "country": "country|country code|land|pais|pays|address country",
    "region": "region|state|province|county|address region|uf|bundesland",
    "city": "city|town|locality|address locality|location|ort|stadt|cidade|ciudad|ville|plaats|sted|neighborhood",
    "postal_code": "postal code|postcode|zip|zip code|zipcode|plz|postleitzahl|code postal|cep",
    "latitude": "latitude|lat",
    "longitude": "longitude|lng|lon|long",
    "listed_at": "listed at|date created|created at|posting date|date posted|date in stock|date first on lot"
    "|listed|published"
    "|published at|creation date|date listed",
    "updated_at": "updated at|last updated|last updated time|last modified|modified at|date modified",
}
"""Field → its names, folded, the surest first."""

MAKES = (
    "abarth|acura|aixam|alfa_romeo|alpine|alpina|aston_martin|audi|bentley|bmw|bugatti|buick|byd|cadillac|chery"
    "|chevrolet|chevy|chrysler|citroen|cupra|dacia|daewoo|daihatsu|dodge|ds|ferrari|fiat|ford|genesis|gmc"
    "|great_wall|haval|holden|honda|hummer|hyundai|infiniti|isuzu|iveco|jac|jaguar|jeep|jetour|kia|lada"
    "|lamborghini|lancia|land_rover|range_rover|lexus|lincoln|lotus|mahindra|maruti|maserati|maybach|mazda"
    "|mclaren|mercedes_benz|mercedes|mercury|mg|mini|mitsubishi|nissan|oldsmobile|opel|peugeot|plymouth|polestar"
    "|pontiac|porsche|ram|renault|rolls_royce|rover|saab|saturn|scion|seat|skoda|smart|ssangyong|subaru|suzuki"
    "|tata|tesla|toyota|vauxhall|volkswagen|volvo|vw"
)
"""Makes that are looked for in headlines; `_` is a blank or a hyphen."""

UNITS = {
    "km": "km", "kms": "km", "kilometers": "km", "kilometres": "km", "mi": "mi", "miles": "mi", "mls": "mi",
    "kw": "kw", "ps": "ps", "hp": "hp", "bhp": "hp", "cv": "ps", "pk": "ps",
}  # fmt: skip
"""Words in a header that name a unit."""
_NO_UNITS = {"cc", "ccm", "cm3", "l", "liter", "litres", "int", "num", "numeric", "raw", "formatted", "clean", "text"}
_CAMEL = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Ý])|(?<=[A-Z])(?=[A-Z][a-zà-ÿ])")
_NO_WORD = re.compile(r"[\W_]+")
_GENERIC = {"value", "name", "text", "amount", "data", "key", "raw", "formatted", "label", "url", "id", "unit"}
"""Names that say nothing without what stands before them."""
_OF_FIELD = {target: names.split("|") for target, names in NAMES.items()}
_NAMED = re.compile(r"\[[^\]=]+=([^\]]+)\]\.[^.]+$")


def folded(name: str) -> str:
    """A column's name as words without case and accents."""
    return " ".join(_NO_WORD.sub(" ", fold(_CAMEL.sub(" ", name.replace("kW", "KW")))).split())


def spellings(path: str) -> list[str]:
    """What a path may be called, the fullest name first; `specs[name=Power].value` is called `Power`."""
    named = _NAMED.search(path)
    if named is not None:
        return [folded(named[1])]
    parts = re.sub(r"\[[^\]]*\]", "", path).split(".")
    last = parts[-1].lstrip("@#")
    if folded(last) not in _GENERIC or len(parts) == 1:
        return list(dict.fromkeys([folded(" ".join(parts)), folded(last)]))
    parent = parts[-2]
    close = [folded(f"{parent} {last}")]
    return [*close, folded(parent)] if folded(last) not in ("id", "url", "unit") else close


def header_unit(path: str) -> str | None:
    """The unit of mileage or power that a header names, as in `powerPS` and `mileage (km)`."""
    return next((UNITS[word] for word in folded(path).split() if word in UNITS), None)


def header_currency(path: str) -> str | None:
    """The currency that a header names, as in `price_usd`."""
    return next((word.upper() for word in folded(path).split()[1:] if word.upper() in CURRENCIES), None)


def score(target: str, path: str) -> int:
    """How surely a column of that path is the field, by its name alone: 0 to 100."""
    best, known = 0, _OF_FIELD.get(target, [])
    for place, name in enumerate(spellings(path)):
        for less, text in ((0, name), (3, _without_unit(name))):
            if text in known:
                best = max(best, 100 - known.index(text) - 10 * place - less)
    return max(0, best - 3 * path.count("."))


def _without_unit(name: str) -> str:
    words = [w for w in name.split() if w not in UNITS and w not in _NO_UNITS and w.upper() not in CURRENCIES]
    return " ".join(words)
