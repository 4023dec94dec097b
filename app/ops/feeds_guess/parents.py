"""What the place of a value says: of a picture, of the seller, or of something that is not the vehicle's."""

from __future__ import annotations

import re

from app.ops.feeds_guess.fold import folded

_PICTURE = {
    "image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "pic", "pics", "thumbnail",
    "thumbnails",
    "thumb", "imagelist", "photolist", "foto", "fotos", "fotografie", "fotografien", "fotky", "bild", "bilder",
    "bilde", "billede",
    "billeder", "bildlank", "afbeelding", "afbeeldingen", "imagen", "imagenes", "imagem", "imagens", "immagine",
    "immagini",
    "zdjecie", "zdjecia", "obraz", "obrazy", "obrazek", "obrazky", "poza", "poze", "imagini", "slika", "slike", "kep",
    "kepek", "kuva", "kuvat", "resim", "resimler", "gorsel", "фото", "фотографии", "фотографія", "фотографії",
    "изображения",
    "изображение", "картинки", "снимки", "снимка", "зображення", "εικονα", "εικονες", "φωτογραφια", "φωτογραφιες",
    "gallery",
    "image1", "photo1",
}  # fmt: skip
_PICTURE_SIGNS = re.compile("画像|写真|图片|照片|圖片|사진|이미지|صور|صورة|תמונ")
_NUMBERED = re.compile(r"\d+$")
_NO_PICTURE = {
    "count",
    "number",
    "num",
    "anzahl",
    "total",
    "qty",
    "logo",
    "icon",
    "avatar",
    "aantal",
    "antal",
    "liczba",
}

_DEALER = {
    "dealer", "dealership", "seller", "vendor", "verkaufer", "haendler", "handler", "vendeur", "venditore",
    "vendedor", "loja",
    "sprzedawca", "prodejce", "продавец", "forhandler", "contact", "contato", "company", "merchant",
    "organization", "advertiser",
}  # fmt: skip
_VEHICLE = {"vehicle", "vehicles", "car", "cars", "fahrzeug", "fahrzeuge", "inventory", "stock"}
_OF_DEALER = {
    "dealer_id", "dealer_name", "seller_type", "country", "region", "city", "postal_code", "latitude", "longitude",
    "stock_number",
}  # fmt: skip
_OTHER = {
    "finance", "financing", "lease", "leasing", "loan", "insurance", "payment", "payments", "monthly",
    "installment", "warranty",
    "similar", "related", "recommended", "recommendations", "history", "market", "statistics", "delivery",
    "shipping", "video",
    "videos", "review", "reviews", "tradein", "finanzierung", "finanzierungen", "emi", "versicherung",
}  # fmt: skip
"""Parents of values that are not the vehicle's."""
_NO_PAGE = _DEALER | _OTHER | {
    "logo", "icon", "avatar", "video", "youtube", "carfax", "autocheck", "report", "website", "site", "homepage",
    "map", "maps",
    "sticker", "brochure", "facebook", "instagram", "brand", "pdf", "sheet", "thumb", "api",
}  # fmt: skip
_NO_IMAGE = {"logo", "icon", "avatar", "video", "sticker", "badge", "map", "flag", "brand", "seal", "seals", "banner"}


def _parts(path: str) -> list[str]:
    return re.sub(r"\[[^\[\]]*\]", "", path).split(".")


def _words(text: str) -> set[str]:
    words = folded(text).split()
    return {*words, *(_NUMBERED.sub("", word) for word in words)}


def about_a_picture(path: str) -> bool:
    """True for what is a picture, or said about one; not for how many there are."""
    parts = _parts(path)
    if _words(parts[-1]) & _NO_PICTURE:
        return False
    return any(_words(part) & _PICTURE or _PICTURE_SIGNS.search(part) for part in parts)


def allows(target: str, path: str) -> bool:
    """False where the parents of a value say that it is about something else than the field."""
    of_dealer = False
    for part in _parts(path)[:-1]:
        words = _words(part)
        if words & _OTHER:
            return False
        of_dealer = (of_dealer or bool(words & _DEALER)) and not words & _VEHICLE
    return not of_dealer or target in _OF_DEALER


def may_be_page(path: str) -> bool:
    """Whether an address there, of which the name says nothing, could be the vehicle's page."""
    return not about_a_picture(path) and not _words(path) & _NO_PAGE


def may_be_image(path: str) -> bool:
    """Whether an address of a picture there, of which the name says nothing, could show the vehicle."""
    return not _words(path) & _NO_IMAGE
