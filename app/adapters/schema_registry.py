"""The schema registry over the API of Confluent (Apicurio speaks it too), as far as we need it.

`Outage(SCHEMA_REGISTRY)` when it can not be reached, refuses the credentials, is overloaded, or when what answers is no
registry; `OperatorError(COMMAND_FAILED)` when it refuses a schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from app.errors import Dependency, FailureCode, OperatorError, Outage, Rejected
from app.failures.retry_after import read_retry_after
from app.settings import SchemaRegistrySettings

_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = range(40400, 40500)
"""Error codes that come with 404 when the registry itself says that something is not there."""
AVRO = "AVRO"
_REFERENCES_MAX = 100


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """What a registry holds under an id."""

    kind: str
    """AVRO, PROTOBUF or JSON."""
    schema: Any
    """Parsed from its JSON when it is Avro; else its text."""
    needs: tuple[Any, ...] = ()
    """The Avro schemas it refers to, each behind those it refers to itself."""


class SchemaRegistry:
    """Made once, used in one event loop; the connection is opened at the first question."""

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ping(self) -> None:
        """Whether it answers; `Outage` when not."""
        await self._ask("GET", "/subjects")

    async def schema(self, schema_id: int) -> RegisteredSchema | None:
        """The schema of an id, with all that it refers to; None when the registry does not know it, or one of those."""
        found = await self._ask("GET", f"/schemas/ids/{schema_id}")
        if found is None or _kind(found) != AVRO:
            return None if found is None else RegisteredSchema(_kind(found), found.get("schema"))
        needs: dict[tuple[str, int], Any] = {}
        if not await self._collect(found.get("references") or (), needs, ()):
            return None
        return RegisteredSchema(AVRO, _parsed(found), tuple(needs.values()))

    async def _collect(
        self, references: Iterable[Any], needs: dict[tuple[str, int], Any], above: tuple[tuple[str, int], ...]
    ) -> bool:
        """Add what is referred to, innermost first; False when something of it is not there."""
        for reference in references:
            subject, version = str(reference["subject"]), int(reference["version"])
            if (subject, version) in needs or (subject, version) in above:
                continue
            if len(needs) + len(above) >= _REFERENCES_MAX:
                raise Rejected(
                    FailureCode.RECORD_NOT_DECODABLE, f"expected a schema that refers to at most {_REFERENCES_MAX}"
                )
            found = await self._ask("GET", f"/subjects/{quote(subject, safe='')}/versions/{version}")
            inner = (*above, (subject, version))
            if found is None or not await self._collect(found.get("references") or (), needs, inner):
                return False
            needs[(subject, version)] = _parsed(found)
        return True

    async def id_of(self, subject: str, schema: object) -> int | None:
        """The id under which exactly this schema is registered for the subject; None when it is not."""
        found = await self._ask("POST", f"/subjects/{subject}", _body(schema))
        return None if found is None else int(found["id"])

    async def published(self, subject: str) -> dict[int, object]:
        """Every version of a subject, oldest first, one that is not Avro by its kind; empty when there is none."""
        numbers = await self._ask("GET", f"/subjects/{subject}/versions")
        versions: dict[int, object] = {}
        for number in numbers or ():
            found = await self._ask("GET", f"/subjects/{subject}/versions/{number}")
            if found is not None:
                versions[int(number)] = _parsed(found) if _kind(found) == AVRO else _kind(found)
        return versions

    async def is_compatible(self, subject: str, schema: object) -> bool:
        """Whether the subject's own rule lets the schema in, against every version; True for a new subject."""
        found = await self._ask("POST", f"/compatibility/subjects/{subject}/versions", _body(schema))
        return found is None or bool(found["is_compatible"])

    async def level(self, subject: str) -> str | None:
        """The subject's own compatibility rule, as in `FULL_TRANSITIVE`; None when it has none."""
        found = await self._ask("GET", f"/config/{subject}")
        return None if found is None else str(found["compatibilityLevel"])

    async def set_level(self, subject: str, level: str) -> None:
        """Give the subject a compatibility rule of its own; it need not exist yet."""
        await self._ask("PUT", f"/config/{subject}", {"compatibility": level})

    async def register(self, subject: str, schema: object, references: Mapping[str, str] | None = None) -> int:
        """Add a version; the id, which stays the same for a schema that is registered already.

        `references`: full names in the schema, and the subjects that hold them in their first version.
        """
        named = [{"name": name, "subject": held, "version": 1} for name, held in (references or {}).items()]
        body = _body(schema) | ({"references": named} if named else {})
        found = await self._ask("POST", f"/subjects/{quote(subject, safe='')}/versions", body)
        if found is None:
            raise _no_registry(self._settings.url)
        return int(found["id"])

    async def _ask(self, method: str, path: str, body: object = None) -> Any | None:
        """The answer's JSON; None when the registry says that there is no such thing."""
        try:
            async with self._opened().request(
                method,
                f"{self._settings.url.rstrip('/')}{path}",
                data=None if body is None else orjson.dumps(body),
                headers={"Content-Type": _MEDIA_TYPE, "Accept": f"{_MEDIA_TYPE}, application/json"},
            ) as response:
                status, content = response.status, await response.read()
                wish = response.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or f"no answer in {self._settings.timeout_s:g} s"
            raise _outage(FailureCode.UNREACHABLE, f"cannot be reached: {reason}") from error
        return _judged(status, _json(content), self._settings.url, read_retry_after(wish, datetime.now(UTC)))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            user, password = self._settings.username, self._settings.password
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                auth=aiohttp.BasicAuth(user, password.get_secret_value() if password else "") if user else None,
            )
        return self._session


def _judged(status: int, answer: Any, url: str, wish_s: float | None) -> Any | None:
    if status == 200 and answer is not None:
        return answer
    told = answer if isinstance(answer, dict) else {}
    message = str(told.get("message", ""))[:500]
    if status == 404 and told.get("error_code") in _NOT_FOUND:
        return None
    if status in (401, 403):
        raise _outage(
            FailureCode.ACCESS_REFUSED,
            f"says {status}; check LISTINGS_SCHEMA_REGISTRY__USERNAME and LISTINGS_SCHEMA_REGISTRY__PASSWORD",
        )
    if status == 429 or status >= 500:
        code = FailureCode.OVERLOADED if status in (429, 503) else FailureCode.UNREACHABLE
        raise _outage(code, f"fails: {status} {message}".rstrip(), wish_s)
    if status in (409, 422):
        raise OperatorError(FailureCode.COMMAND_FAILED, f"the schema registry refuses the schema: {message}")
    raise _no_registry(url)


def _kind(found: Any) -> str:
    """Registries leave the kind out when it is Avro."""
    return str(found.get("schemaType") or AVRO)[:40]


def _parsed(found: Any) -> Any:
    """An Avro schema; `Rejected` when it is no JSON, though the registry says that it is Avro."""
    try:
        return orjson.loads(found["schema"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Rejected(FailureCode.RECORD_NOT_DECODABLE, "expected a schema in Avro's JSON, found another") from error


def _json(content: bytes) -> Any | None:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _body(schema: object) -> dict[str, object]:
    return {"schema": orjson.dumps(schema).decode(), "schemaType": "AVRO"}


def _no_registry(url: str) -> Outage:
    return _outage(
        FailureCode.UNREACHABLE, f"is not at {url}: something else answers; check LISTINGS_SCHEMA_REGISTRY__URL"
    )


def _outage(code: FailureCode, what: str, wish_s: float | None = None) -> Outage:
    return Outage(code, Dependency.SCHEMA_REGISTRY, f"the schema registry {what}", wish_s)
