"""All settings, read once from `LISTINGS_<GROUP>__<FIELD>` variables into frozen values.

An unknown `LISTINGS_` name stops the start, so a typo never runs with a default. Durations end in `_s`, sizes in
`_bytes`. Secrets are `SecretStr`: they print as stars.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.errors import FailureCode, OperatorError

PREFIX = "LISTINGS_"
_ROOT = Path(__file__).resolve().parent.parent
_MIB = 1024 * 1024
_BUCKET_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")

CommaList = Annotated[tuple[str, ...], NoDecode]


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _bucket_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """A list that allows no bucket that can be would skip every upload without a word."""
    if not names or not all(_BUCKET_NAME.fullmatch(name) for name in names):
        raise ValueError("expected names of buckets, comma separated, as in first-bucket,second-bucket")
    return names


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Group):
    """The broker and how this application sits in its consumer group."""

    bootstrap_servers: str = Field("127.0.0.1:9092", description="host:port, comma separated")
    group: str = Field("listings", description="consumer group, also the Faust app id")
    cluster_id: str | None = Field(
        None, description="the cluster that workers may join; unset: the one that a worker's folder remembers"
    )
    security_protocol: str = Field(
        "PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$", description="how clients connect"
    )
    sasl_mechanism: str = Field(
        "SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", description="for the SASL protocols"
    )
    sasl_username: str | None = Field(None, description="for the SASL protocols")
    sasl_password: SecretStr | None = Field(None, description="for the SASL protocols")
    ssl_ca_file: Path | None = Field(None, description="certificates (PEM) to trust; the system's own without it")
    session_timeout_s: float = Field(20.0, gt=1, description="until a dead worker's partitions are reassigned")
    heartbeat_s: float = Field(3.0, gt=0, description="between two signs of life to the broker")
    publish_timeout_s: float = Field(30.0, gt=0, description="until an unconfirmed send counts as failed")
    max_message_bytes: int = Field(_MIB, gt=1024, description="largest record; not below the topics' max.message.bytes")
    batch_max_bytes: int = Field(
        64 * _MIB, ge=_MIB, description="what one packed batch of records may unpack to; its rest is one dead letter"
    )
    batch_max_records: int = Field(
        100_000, ge=1, description="records of one batch; a batch that says it has more is one dead letter"
    )


class S3Settings(_Group):
    """The object store that producers upload to."""

    endpoint_url: str = Field("http://127.0.0.1:7070", description="address of the object store; buckets by path")
    region: str = Field("us-east-1", description="region that requests are signed for")
    access_key_id: str | None = Field(None, description="of an account that may read objects and list the buckets")
    secret_access_key: SecretStr | None = Field(None, description="belongs to the access key")
    buckets: CommaList = Field(("listings-uploads",), description="allow-list; events of other buckets are skipped")
    prefix: str = Field("", description="only keys that start with it are read")
    connect_timeout_s: float = Field(5.0, gt=0, description="until a connection stands")
    read_timeout_s: float = Field(30.0, gt=0, description="for one answer or one piece of the body")

    _split_buckets = field_validator("buckets", mode="before")(_split)
    _check_buckets = field_validator("buckets")(_bucket_names)


class OpenSearchSettings(_Group):
    """The search index and the shared bulk writer."""

    url: str = Field("http://127.0.0.1:9200", description="address of OpenSearch")
    username: str | None = Field(None, description="for basic authentication")
    password: SecretStr | None = Field(None, description="for basic authentication")
    ca_file: Path | None = Field(None, description="certificates (PEM) to trust; the system's own without it")
    alias: str = Field("listings", description="what the frontend searches and the writer writes to")
    outcomes_index: str = Field("listing-outcomes", description="where the outcome of each file is kept")
    request_timeout_s: float = Field(30.0, gt=0, description="until an unanswered request counts as an outage")
    bulk_max_documents: int = Field(1000, gt=0, description="documents of one bulk request at most")
    bulk_max_bytes: int = Field(4 * _MIB, gt=0, description="size of one bulk request at most")
    bulk_linger_s: float = Field(0.02, ge=0, description="how long the first document of a request waits for others")
    bulk_in_flight: int = Field(5, gt=0, description="bulk requests at once, at the start")
    bulk_in_flight_min: int = Field(1, gt=0, description="never fewer, however slow or overloaded the index is")
    bulk_in_flight_max: int = Field(8, gt=0, description="never more, however fast the index is")
    outage_probe_max_s: float = Field(5.0, gt=0, description="longest pause between two probes of an outage")


class SchemaRegistrySettings(_Group):
    """The registry of the Avro schemas."""

    url: str = Field("http://127.0.0.1:8081/apis/ccompat/v7", description="address of the API in Confluent's form")
    username: str | None = Field(None, description="for basic authentication")
    password: SecretStr | None = Field(None, description="for basic authentication")
    timeout_s: float = Field(10.0, gt=0, description="for one answer")


class LimitsSettings(_Group):
    """What a file may cost before it is refused."""

    file_max_bytes: int = Field(2 * 1024 * _MIB, gt=0, description="as stored; checked before any download")
    decompressed_max_bytes: int = Field(10 * 1024 * _MIB, gt=0, description="held while streaming")
    compression_max_ratio: float = Field(200.0, gt=1, description="decompressed / stored, beyond the first 10 MiB")
    window_max_bytes: int = Field(32 * _MIB, gt=0, description="how far zstd, xz or lzma data may look back; memory")
    archive_max_members: int = Field(
        20_000, gt=0, description="members of a zip archive, pictures and folders included"
    )
    avro_block_max_bytes: int = Field(16 * _MIB, gt=0, description="one block of an Avro file, packed or unpacked")
    parquet_open_max_bytes: int = Field(
        128 * _MIB, gt=0, description="what the columns of a Parquet row group need at once: dictionaries and pages"
    )
    record_max_bytes: int = Field(_MIB, gt=0, description="one record of a file")
    record_max_depth: int = Field(32, gt=0, description="nesting of one JSON record")
    file_max_records: int = Field(20_000_000, gt=0, description="records of one file")
    rejects_max_share: float = Field(
        0.5, gt=0, le=1, description="refused records; above this and the next: one dead letter for the whole file"
    )
    rejects_min_count: int = Field(20, gt=0, description="so many refused records never condemn a file")
    rejects_max_count: int = Field(1000, gt=0, description="never more dead letters than this for one file")
    outcome_max_rejects: int = Field(100, gt=0, description="reject details kept in an outcome; counts are complete")


class WorkerSettings(_Group):
    """One worker process: how much at once, how it stops, what it tells."""

    files_at_once: int = Field(200, ge=1, description="files being fetched and processed at once")
    accepted_max: int = Field(800, ge=1, description="records taken from a topic and not yet finished")
    accepted_max_bytes: int = Field(64 * _MIB, gt=0, description="size of these, for each topic")
    buffered_max_bytes: int = Field(
        16 * _MIB, gt=0, description="records fetched of a topic and not yet taken; the rest waits in Kafka"
    )
    memory_max_bytes: int = Field(
        160 * _MIB, ge=32 * _MIB, description="what all files being read may take together; they wait their turn"
    )
    gate_at_once: int = Field(64, ge=1, description="notifications being answered at once")
    listings_at_once: int = Field(2000, ge=1, description="single listings being indexed at once")
    file_timeout_s: float = Field(
        900.0, gt=0, description="longest time spent waiting for one file's content; then it is retried"
    )
    commit_every_s: float = Field(1.0, gt=0, description="how often finished offsets are committed")
    drain_s: float = Field(20.0, gt=0, description="what is in flight may take this long on SIGTERM or rebalance")
    http_host: str = Field("127.0.0.1", description="/metrics, /livez, /readyz")
    http_port: int = Field(6066, ge=0, le=65535, description="0: any free port")
    data_dir: Path = Field(Path(".stack/worker"), description="a folder of its own; nothing in it has to be kept")
    log_format: str = Field(
        "auto", pattern="^(auto|json|console)$", description="auto: columns on a terminal, else JSON"
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least level that is logged")


class RetrySettings(_Group):
    """How often a record is tried, and how far apart."""

    attempts: int = Field(3, ge=1, description="tries in all, the first one included")
    base_s: float = Field(5.0, gt=0, description="the first delay is drawn from 0..base, then twice as long, …")
    cap_s: float = Field(300.0, gt=0, description="no delay is drawn from more than 0..cap")
    waiting_max: int = Field(5000, ge=1, description="retries held in memory until due; the rest goes round in Kafka")
    share_max: float = Field(
        0.2, gt=0, le=1, description="of what is worked on at once, for records that failed before; at least one place"
    )


class ReconcileSettings(_Group):
    """Finding uploads whose notification never came."""

    enabled: bool = Field(True, description="compare the buckets with the outcomes; one worker at a time does")
    every_s: float = Field(180.0, gt=0, description="from the start of one comparison to the next")
    grace_s: float = Field(60.0, ge=0, description="a younger upload may still be on its way, so it is left alone")
    pages_per_s: float = Field(5.0, gt=0, description="pages of 1,000 keys asked of the store at most")
    lag_max: int = Field(5000, ge=0, description="while more records wait for the workers, nothing is added to them")
    not_before: AwareDatetime | None = Field(
        None, description="uploads before this time (RFC 3339) are left alone; without it, all are looked for"
    )


class BridgeSettings(_Group):
    """`listings bridge sqs`: the queue of SQS that it empties; AWS's own variables or roles give the credentials."""

    queue_url: str | None = Field(None, description="address of the queue; `--queue-url` names another")
    region: str | None = Field(None, description="region of the queue; AWS's own variables or profile without it")
    endpoint_url: str | None = Field(None, description="address of SQS, where it is not AWS's own")
    wait_s: int = Field(10, ge=0, le=20, description="longest wait for a message; a stop waits for it too")
    visibility_s: int = Field(
        120, ge=30, le=43200, description="until a message comes again; above LISTINGS_KAFKA__PUBLISH_TIMEOUT_S"
    )
    backoff_base_s: float = Field(0.5, gt=0, description="first pause while Kafka or SQS is away; then twice as long")
    backoff_cap_s: float = Field(30.0, gt=0, description="no such pause is longer")
    drain_s: float = Field(20.0, gt=0, description="on SIGTERM, the process ends in this time, whatever is under way")
    http_port: int = Field(0, ge=0, le=65535, description="/metrics on LISTINGS_WORKER__HTTP_HOST; 0: none")


class AlertsSettings(_Group):
    """Who is told when a person is needed, and when that is."""

    urls: SecretStr | None = Field(
        None, description="chat, mail, webhook, pager (Apprise), comma or blank separated; none: only the log tells"
    )
    gather_s: float = Field(5.0, ge=0, description="a first dead letter waits so long for others, for one message")
    every_s: float = Field(300.0, gt=0, description="between two messages of a kind; what is over is told at once")
    remind_s: float = Field(3600.0, gt=0, description="what lasts is told again after this long")
    outage_after_s: float = Field(60.0, ge=0, description="a server that is back sooner is not worth a message")
    window_s: float = Field(300.0, gt=0, description="over which lag has to grow, and freshness is looked at")
    lag_min: int = Field(1000, ge=1, description="records waiting on a topic; fewer are never called a growing lag")
    stuck_after_s: float = Field(
        1200.0, gt=0, description="no commit moves though records wait; above LISTINGS_WORKER__FILE_TIMEOUT_S"
    )
    freshness_max_s: float = Field(
        60.0, gt=0, le=3600, description="upload to indexed; 5 files and 5 % of a window over it are an alert"
    )
    send_timeout_s: float = Field(10.0, gt=0, description="longest wait for a receiver to connect, and for its answer")


class PathsSettings(_Group):
    """Where the declared files are; the repository's own folders unless said otherwise."""

    schemas: Path = Field(_ROOT / "schemas", description="Avro schemas, index templates, stored searches")
    topics: Path = Field(_ROOT / "topics", description="the topics to have")
    feeds: Path = Field(_ROOT / "connectors" / "feeds", description="how senders' files map to our record")
    feeds_every_s: float = Field(5.0, gt=0, description="between two looks of a worker for changed profiles")
    sources: Path = Field(
        _ROOT / "connectors" / "sources.yaml", description="who may speak for which source; without the file, everybody"
    )


class Settings(BaseSettings):
    """Everything that can be set, in groups."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    kafka: KafkaSettings = KafkaSettings()
    s3: S3Settings = S3Settings()
    opensearch: OpenSearchSettings = OpenSearchSettings()
    schema_registry: SchemaRegistrySettings = SchemaRegistrySettings()
    limits: LimitsSettings = LimitsSettings()
    worker: WorkerSettings = WorkerSettings()
    retry: RetrySettings = RetrySettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    bridge: BridgeSettings = BridgeSettings()
    alerts: AlertsSettings = AlertsSettings()
    paths: PathsSettings = PathsSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments and the environment: no .env file decides what a worker does."""
        return init_settings, env_settings


class _GivenSettings(Settings):
    """The same from what is handed in alone: the environment of this process has no say in it."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *others: Any, **more: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def known_names() -> Iterator[str]:
    """Every variable that is read, in order of declaration."""
    for group, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name in model.model_fields:
            yield f"{PREFIX}{group}__{name}".upper()


def _with_nearest(name: str) -> str:
    near = difflib.get_close_matches(name.upper(), list(known_names()), n=1, cutoff=0.85)
    return f"{name} (did you mean {near[0]}?)" if near else name


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment, or `environ` in its place.

    `OperatorError(SETTING_INVALID)` names every variable that is unknown or wrong.
    """
    names = os.environ if environ is None else environ
    unknown = sorted(n for n in names if n.upper().startswith(PREFIX) and n.upper() not in set(known_names()))
    if unknown:
        raise OperatorError(
            FailureCode.SETTING_INVALID,
            f"unknown setting {', '.join(map(_with_nearest, unknown))}; all known ones: docs/OPERATIONS.md",
        )
    try:
        return Settings() if environ is None else _GivenSettings.model_validate(_nested(environ))
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{'__'.join(str(part) for part in e['loc'])}".upper() + f": {e['msg']}" for e in error.errors()
        )
        raise OperatorError(FailureCode.SETTING_INVALID, wrong) from error


def _nested(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        if name.upper().startswith(PREFIX) and value != "":
            group, _, field = name[len(PREFIX) :].lower().partition("__")
            groups.setdefault(group, {})[field] = value
    return groups
