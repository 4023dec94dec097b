"""Who made a vehicle, by the first three characters of its VIN (world manufacturer identifier, ISO 3780).

Only identifiers that are used for few makes, as seen in public VINs; a maker of several brands is listed with all of
them. Where the table says nothing, nothing is concluded. A third character 9 (small makers) is in no row.
"""

from __future__ import annotations

_ROWS: dict[str, str] = {
    "volkswagen vw": "WVW WV1 WV2 WVG 3VW 1VW 9BW",
    "audi": "WAU WA1 WUA TRU",
    "bmw alpina": "WBA WBS WBY 5UX 5YM 4US",
    "mini bmw": "WMW",
    "mercedes maybach amg smart": "WDB WDC WDD W1K W1N 4JG 55S",
    "mercedes freightliner dodge": "WDF WD3 WD4 W1V W1W W1Y",
    "porsche": "WP0 WP1",
    "opel vauxhall": "W0L W0V",
    "ford lincoln mercury": "WF0 1FA 1FB 1FD 1FM 1FT 2FA 2FM 3FA 3FM 5LM 1LN 2LM 3LN NM0",
    "skoda": "TMB",
    "seat cupra": "VSS",
    "fiat abarth": "ZFA",
    "ferrari": "ZFF",
    "alfa romeo": "ZAR",
    "lamborghini": "ZHW ZPB",
    "maserati": "ZAM",
    "renault dacia alpine nissan opel vauxhall": "VF1 UU1",
    "peugeot citroen ds opel vauxhall toyota fiat": "VF3 VF7 VR1 VR3 VR7",
    "volvo polestar": "YV1 YV4",
    "saab": "YS3",
    "jaguar": "SAJ SAD",
    "land rover range": "SAL",
    "lotus": "SCC",
    "aston martin": "SCF",
    "bentley": "SCB",
    "rolls royce": "SCA",
    "toyota lexus scion subaru daihatsu": "JTD JTE JTK JTL JTM JTN 2T1 2T3 4T1 4T3 4T4 5TD 5TE 5TF NMT VNK 7SV",
    "lexus": "JTH JTJ 2T2 58A",
    "honda": "JHM JHL 1HG 2HG 3HG 2HK 19X 5FN 5FP 5J6 SHH SHS 7FA",
    "acura honda": "JH4 19U 5J8 2HN",
    "nissan infiniti datsun": "JN1 JN8 JNK JNR 1N4 1N6 3N1 3N6 5N1 SJN",
    "hyundai genesis": "KMH KM8 KMT KMU 5NP 5NM",
    "kia": "KNA KND 3KP",
    "kia hyundai genesis": "5XX 5XY",
    "chevrolet gmc chevy": "1G1 1GC 1GN 2G1 2GC 2GN 3GC 3GN KL7 KL8",
    "cadillac": "1G6 1GY",
    "gmc chevrolet": "1GT 1GK 2GT 2GK 3GT 3GK",
    "buick opel": "1G4 2G4 5GA KL4 LRB W04",
    "chrysler dodge jeep ram fiat plymouth volkswagen": "1C3 1C4 1C6 2C3 2C4 3C3 3C4 3C6 3C7",
    "jeep": "1J4 1J8 ZAC",
    "tesla": "5YJ 7SA LRW XP7",
    "subaru toyota scion saab": "JF1 JF2 4S3 4S4",
    "mazda toyota scion ford": "JM1 JM3 3MZ 3MY 7MM",
    "mitsubishi": "JA3 JA4 ML3",
    "suzuki maruti": "JS2 JS3 MA3 TSM",
}
MAKERS: dict[str, tuple[str, ...]] = {
    code: tuple(makes.split()) for makes, codes in _ROWS.items() for code in codes.split()
}
"""First three characters → parts of the folded names of the makes they may stand for."""


def fits_maker(vin: str, make_key: str) -> bool:
    """Whether a VIN may be one of the make (folded); True where the maker is not known."""
    makes = MAKERS.get(vin[:3])
    return makes is None or any(make in make_key for make in makes)
