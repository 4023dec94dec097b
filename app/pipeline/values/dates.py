"""Years, months and moments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from app.model.listing import YEAR_MIN
from app.pipeline.values.text import fold

_YEAR = re.compile(r"([0-9]{4})(?:\.0+)?")
_SHORT_YEAR = re.compile(r"['’]([0-9]{2})")
_ISO_MONTH = re.compile(r"([0-9]{4})(?:[-/.](?=[0-9])|(?=[0-9]{2}\b))([01]?[0-9])(?:[-/.][0-3]?[0-9](?:[T ].*)?)?")
_MONTH_FIRST = re.compile(r"(?:EZ\s*)?([01]?[0-9])[-/.]([0-9]{4})", re.IGNORECASE)
_DAY_FIRST = re.compile(
    r"([0-3]?[0-9])[-/.]([01]?[0-9])[-/.]([0-9]{4})(?:[ T,]+([0-2]?[0-9]):([0-9]{2})(?::([0-9]{2}))?)?"
)
_NAMED_MONTH = re.compile(r"(?:[0-3]?[0-9]\.?\s+)?([^\W\d_]{3,12})\.?[\s/.,-]{1,3}([0-9]{4})")
_DIGITS = re.compile(r"[0-9]{5,}")


_MONTH_NAMES: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january januar janvier enero gennaio januari janeiro styczen stycznia январь января"
            " jan ene genn gen sty янв",
            "february februar fevrier febrero febbraio februari fevereiro luty lutego февраль февраля"
            " feb fev fevr lut фев",
            "march marz maerz mars marzo maart marco marzec marca март марта mar mrz mrt мар",
            "april avril abril aprile kwiecien kwietnia апрель апреля apr avr abr kwi апр",
            "may mai mayo maggio mei maio maj maja май мая mag",
            "june juni juin junio giugno junho czerwiec czerwca июнь июня jun giu cze июн",
            "july juli juillet julio luglio julho lipiec lipca июль июля jul juil lug lip июл",
            "august aout agosto augustus sierpien sierpnia август августа aug ago sie авг",
            "september septembre septiembre settembre setembro wrzesien wrzesnia сентябрь сентября"
            " sep sept set wrz сен сент",
            "october oktober octobre octubre ottobre outubro pazdziernik pazdziernika октябрь октября"
            " oct okt ott out paz окт",
            "november novembre noviembre novembro listopad listopada ноябрь ноября nov lis ноя нояб",
            "december dezember decembre diciembre dicembre desember dezembro grudzien grudnia декабрь декабря"
            " dec dez dic des gru дек",
        ),
        1,
    )
    for name in names.split()
}
"""Months in English, German, French, Spanish, Italian, Dutch, Portuguese, Norwegian, Polish, Russian, as folded."""


def parse_year(value: object, latest: int) -> int | None:
    """A year from 1886 to `latest`: 2019, "2019", "2025.0", "'09" (with its apostrophe only)."""
    if isinstance(value, str):
        text = value.strip()
        if (short := _SHORT_YEAR.fullmatch(text)) is not None:
            guess = 2000 + int(short[1])
            year = guess if guess <= latest else guess - 100
        else:
            full = _YEAR.fullmatch(text)
            year = int(full[1]) if full is not None else 0
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        year = int(value) if abs(value) < 10_000 else 0
    else:
        return None
    return year if YEAR_MIN <= year <= latest else None


def parse_month(value: object, *, day_first: bool = False) -> str | None:
    """`YYYY-MM` of "2004-03", "2004-3", "1997-09-12", "201107", "04/2011", "EZ 07/2018", "23.02.2017", "Juillet/2006".

    None without a year ("5 ноября"), and for slashed dates that could be read month first, unless `day_first`: what
    is not told is not guessed.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(int(value)) if 0 < value < 10**6 and value == value // 1 else ""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if (found := _MONTH_FIRST.fullmatch(text)) is not None:
        year, month = int(found[2]), int(found[1])
    elif (found := _DAY_FIRST.fullmatch(text)) is not None:
        year, month = int(found[3]), int(found[2])
        if "/" in text and not day_first and month != int(found[1]) <= 12:
            return None
    elif len(text) <= 40 and (found := _ISO_MONTH.fullmatch(text)) is not None:
        year, month = int(found[1]), int(found[2])
    elif (found := _NAMED_MONTH.fullmatch(text)) is not None:
        year, month = int(found[2]), _MONTH_NAMES.get(fold(found[1]), 0)
    else:
        return None
    return f"{year:04}-{month:02}" if year >= YEAR_MIN and 1 <= month <= 12 else None


def parse_timestamp(
    value: object, *, formats: Sequence[str] = (), day_first: bool = False, epoch_s: bool = False
) -> datetime | None:
    """A moment, UTC: ISO 8601 / RFC 3339, or one of `formats` (strptime), or day first ("23/02/2017 13:37").

    A moment without a zone is taken as UTC, a date as its midnight. With `epoch_s` a number is seconds since 1970.
    Slashed dates without `day_first` are not guessed.
    """
    if isinstance(value, datetime):
        return _utc(value)
    if epoch_s and isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC) if 0 < value < 4_102_444_800 else None
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip()
    for form in formats:
        try:
            return _utc(datetime.strptime(text, form))  # noqa: DTZ007  a zone is added below when there is none
        except ValueError:
            continue
    if day_first and (found := _DAY_FIRST.fullmatch(text)) is not None:
        return _from_parts(found)
    if _DIGITS.match(text):
        return None
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _from_parts(found: re.Match[str]) -> datetime | None:
    day, month, year, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _utc(moment: datetime) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`: whole seconds, or milliseconds when there are some."""
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
