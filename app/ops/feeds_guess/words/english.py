"""Column names in English: of dealer systems, portals, catalogues and collected files."""

from __future__ import annotations

ENGLISH: dict[str, str] = {
    "source_listing_id": "source listing id|listing id|ad id|advert id|vehicle id|offer id|item id|stock id|id|uuid"
    "|listing number|lot number|ad number|ad no|offer number|offer no|advert number|classified id|inventory id"
    "|source id|external id|record id|unique id|product id|post id|car id|vehicle no|vehicle number|guid|identifier"
    "|lot no|sku|reference|reference number|ref|ref no|ref id|key|addref|ad ref|ad reference",
    "vin": "vin|vehicle identification number|vin number|vin no|vin code|chassis number|chassis no|chassis"
    "|frame number|frame no",
    "stock_number": "stock number|stock no|stock|stock num|stk no|stk|stock nr|inventory number|inventory no"
    "|dealer stock number|seller inventory key|unit number|unit no|stock code|stock ref",
    "source_url": "source url|listing url|product url|vehicle url|detail url|ad url|advert url|vdp url|vdp link"
    "|page url|detail page url|details url|detail link|listing link|ad link|advert link|vehicle link|car url"
    "|car link|item url|view item url|product link|canonical url|share url|web url|landing page|final url"
    "|original url|url|link|href|permalink|vdp",
    "title": "title|headline|heading|ad title|listing title|advert title|name|subject|car name|vehicle name"
    "|display name",
    "description": "description|vehicle description|free text|comments|dealer comments|seller comments|seller notes"
    "|comment|remarks|notes|long description|ad description|full description|vehicle comments|web description"
    "|details|text|overview",
    "make": "make|brand|manufacturer|make name|brand name|manufacturer name|car make|car brand|make desc|maker"
    "|car company|oem|mark|company",
    "model": "seri|model|model name|model description|car model|model desc|carline|model line|model family"
    "|model group",
    "trim": "trim|trim level|version|model version input|variant|trim name|trim desc|model version|model variant"
    "|derivative|grade|edition|sub model|badge|badge detail|series|specification",
    "year": "year|model year|vehicle year|car year|year of manufacture|manufacture year|manufacturing year|mfg year"
    "|year produced|production year|make year|year of make|year model|vehicle model date|model date|yr|yom"
    "|year of registration|registration year|reg year|build year|year built|year of production|production date"
    "|manufacture date|date of manufacture",
    "build_year": "build year|year built|construction date|construction year|manufacture year|manufacturing year"
    "|year of manufacture|year of production|production year|mfg year|production date|year fabrication"
    "|fabrication year",
    "first_registration": "first registration|first registration date|date of first registration"
    "|date first registered|date vehicle first registered|first registered|registration date|date of registration"
    "|1st registration|first reg date|first reg|reg date|date registered|registered date|in service date"
    "|registration month|reg year month|registration year month|year month|registration",
    "condition": "condition|used new|new used|new or used|used or new|stock type|inventory type|state of vehicle"
    "|item condition|ownership condition|vehicle condition|car condition|vehicle status|offer type|listing type|type"
    "|class",
    "status": "status|availability|lifecycle state|active|ad status|listing status|stock status|sale status"
    "|inventory status",
    "vehicle_type": "vehicle type|vehicle category|category|type|class|vehicle class|article type|vehicle type name",
    "body_type": "body type|body style|body|body shape|body class|car body|vehicle style|vehicle body|style|car type"
    "|vehicle type|type|category",
    "fuel_type": "fuel type|fuel|engine fuel|engine fuel type|type of fuel|primary fuel|fuel type primary"
    "|fuel category|energy|power source|powertrain|propulsion|engine type|engine",
    "transmission": "transmission|gearbox|transmission type|vehicle transmission|gear type|gearbox type|trans"
    "|transmission style|transmission name|transmission desc|transmission description|gear box|gear|gearing type"
    "|gearing",
    "drivetrain": "drivetrain|drive train|drive type|drive wheel configuration|drive line|drive|wheel drive"
    "|drive wheels|driven wheels|driving wheels|wheel config|wheel configuration|drive system|traction|transmission"
    "|drive chain|wheel system|drivechain",
    "mileage": "mileage|odometer|odometer value|mileage value|mileage from odometer|odometer reading|current mileage"
    "|kilometers driven|kms driven|km driven|kilometers|kilometres|km|kms|miles|distance driven|distance travelled"
    "|distance traveled|driven|odometer mileage|odo|milage|mileage2|mi",
    "mileage_unit": "mileage unit|odometer unit|mileage unit code|mileage from odometer unit code|unit code"
    "|mileage from odometer unit text|mileage units|odometer units|mileage type|distance unit",
    "price_amount": "price|asking price|sale price|selling price|price amount|internet price|price current"
    "|current price|advertised price|sales price|total price|final price|cash price|our price|web price|online price"
    "|special price|offer price|dealer price|consumer price amount|consumer price|gross price|price gross"
    "|price numeric|price formatted|price value|actual price|display price|price text|amount|buy now price"
    "|price display|fob price|retail price|list price",
    "price_currency": "price currency|currency|currency code|currency iso|currency symbol",
    "price_msrp": "msrp|vehicle msrp|list price|new price|suggested retail price|normal price|base msrp|total msrp"
    "|sticker price|price when new|new car price|catalogue price|catalog price|rrp|ex showroom price|present price",
    "price_net": "price net|net price|price excl vat|price ex vat|price without vat|price excluding vat|net amount",
    "price_previous": "price previous|previous price|old price|old price value|price old|was price|price was"
    "|original price|regular price|price before discount|initial price",
    "vat_rate": "vat rate|vat|vat percent|tax rate",
    "power_kw": "power|engine power|horsepower|horse power|engine horsepower|max power|maximum power|power output"
    "|engine output|output|motor power|hp|ps|kw|bhp|cv",
    "engine_cc": "engine size|engine displacement|displacement|engine capacity|engine volume|cubic capacity"
    "|engine cubic capacity|engine disp|engine vol|badge engine size|engine cc|cc|ccm|cm3|engine liters"
    "|engine litres|liters|litres|litters|engine",
    "cylinders": "cylinders|engine cylinders|number of cylinders|no of cylinders|num cylinders|cylinder count"
    "|cylinder|cyl|engine",
    "doors": "doors|number of doors|no of doors|door count|num doors|door number|door|nr of doors|no doors|nr doors",
    "seats": "seats|number of seats|no of seats|seating capacity|seat count|num seats|passenger capacity|seating"
    "|seat capacity|seat|nr of seats|nr seats|maximum seating|max seating",
    "color_exterior": "exterior color|exterior colour|color|colour|body color|body colour|paint color|ext color"
    "|ext colour|exterior color name|color name|colour name|exterior|paint|base color|color primary|primary color"
    "|main color",
    "color_interior": "interior color|interior colour|vehicle interior color|int color|int colour"
    "|interior color name|upholstery color|interior",
    "features": "features|vehicle option|options|equipment|feature list|vehicle features|vehicle options|option list"
    "|installed options|standard features|standard equipment|key features|accessories|extras",
    "image_urls": "image urls|images|image url|image|image link|additional image link|photos|photo|pictures|picture"
    "|photo url|photo urls|photo links|image list|image links|photo url list|picture urls|picture refs|picture url"
    "|thumbnail|gallery|media|img|imgs",
    "seller_type": "seller type|seller|dealer type|advertiser type|seller kind|listed by|posted by|advertiser"
    "|vendor type",
    "dealer_id": "dealer id|dealership id|store code|seller id|feed id|store id|dealer code|dealer number|dealer no"
    "|branch id|rooftop id|merchant id|vendor id|advertiser id|company id|account id",
    "dealer_name": "dealer name|dealership name|seller name|dealer|company name|seller company name|dealership"
    "|store name|retailer name|vendor name|branch name|advertiser name|showroom|shop name|rooftop|company",
    "country": "country|country code|address country|country name|dealer country|seller country|location country",
    "region": "region|state|province|county|address region|state code|state name|region name|province name"
    "|dealer state|seller state|state province|prefecture|governorate|emirate|district|location state"
    "|dealer province|dealer region|seller region",
    "city": "city|town|locality|address locality|city name|dealer city|seller city|municipality|suburb|location"
    "|neighborhood|place|vehicle location|location name|location city",
    "postal_code": "postal code|postcode|zip|zip code|dealer zip|seller zip|dealer zip code|post code|pin code"
    "|postal|eircode|location zip|dealer postal|dealer postal code|dealer postcode|seller postal code",
    "latitude": "latitude|lat",
    "longitude": "longitude|lng|lon|long",
    "listed_at": "listed at|date created|created at|posting date|date posted|date in stock|date first on lot"
    "|listing date|listed date|listed on|date listed|list date|date added|added date|added on|first seen at date"
    "|first seen date|first seen at|first seen|published at|publication date|publish date|published date|published"
    "|posted at|posted on|posted date|creation date|created date|created on|created|inventory date|stock date"
    "|in stock date|ad date|ad created|entry date|listed|posted|added",
    "updated_at": "updated at|last updated|last updated time|last modified|modified at|date modified|date updated"
    "|updated|update date|updated date|updated on|last update|last modified date|modified date|modified|last changed",
}  # fmt: skip
