"""Closed code lists: currencies (ISO 4217) and countries (ISO 3166-1), as of 2026."""

from __future__ import annotations


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURRENCIES: frozenset[str] = _codes(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """
)
"""Currencies in which a vehicle can be paid: without precious metals, funds and test codes."""

COUNTRIES: frozenset[str] = _codes(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """
)

COUNTRY_SYNONYMS: dict[str, str] = {"UK": "GB", "USA": "US", "CAN": "CA", "DEU": "DE", "GBR": "GB", "EL": "GR"}

MILES_COUNTRIES: frozenset[str] = frozenset({"US", "GB"})
"""Where an odometer without a unit counts miles."""

SCANDINAVIAN_MIL_COUNTRIES: frozenset[str] = frozenset({"NO", "SE"})
"""Where `mil` is ten kilometres."""

_UNITS_PER_EURO: dict[str, float] = {
    "AED": 4.1, "ALL": 99, "AMD": 430, "ARS": 1500, "AUD": 1.75, "AZN": 1.9, "BAM": 1.96, "BDT": 135, "BGN": 1.96,
    "BHD": 0.42, "BRL": 6.2, "BYN": 3.6, "CAD": 1.6, "CHF": 0.95, "CLP": 1050, "CNY": 8, "COP": 4500, "CZK": 25,
    "DKK": 7.5, "EGP": 55, "EUR": 1, "GBP": 0.85, "GEL": 3.1, "GHS": 14, "HKD": 8.8, "HUF": 400, "IDR": 18_500,
    "ILS": 4, "INR": 95, "ISK": 145, "JOD": 0.8, "JPY": 165, "KES": 145, "KRW": 1550, "KWD": 0.34, "KZT": 580,
    "LKR": 340, "MAD": 10.7, "MKD": 61.5, "MXN": 21, "MYR": 4.9, "NGN": 1750, "NOK": 11.5, "NPR": 150, "NZD": 1.9,
    "OMR": 0.43, "PEN": 4, "PHP": 64, "PKR": 320, "PLN": 4.3, "QAR": 4.1, "RON": 5, "RSD": 117, "RUB": 95,
    "SAR": 4.2, "SEK": 11, "SGD": 1.45, "THB": 38, "TRY": 45, "TWD": 35, "UAH": 47, "USD": 1.1, "UZS": 14_000,
    "VND": 28_500, "ZAR": 20,
}  # fmt: skip

_LEAST_EUR, _MOST_EUR = 100.0, 5_000_000.0

PRICE_BOUNDS: dict[str, tuple[float, float]] = {
    code: (_LEAST_EUR * rate, _MOST_EUR * rate) for code, rate in _UNITS_PER_EURO.items()
}
"""Lowest and highest believable asking price; rates are rough on purpose (an order of magnitude is what counts)."""
