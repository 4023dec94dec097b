"""What `connectors/notifications` tells stores to do: files that can be applied, and one name for one thing in them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import orjson
import pytest
from cfnlint.api import lint_all  # type: ignore[import-untyped]
from cfnlint.decode import decode  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from app.bridges.aws_lambda import handler
from app.model.topics import UPLOADS_TOPIC
from app.pipeline.notification import parse_notification
from app.pipeline.notification.reader import _ENVELOPES_MAX, _EVENTS_MAX
from app.settings import KafkaSettings, S3Settings, known_names

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "connectors" / "notifications"
AWS = FOLDER / "aws"
RECORDED = Path(__file__).parent / "notifications"
OVERVIEW = (FOLDER / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md") if path.name != "README.md"}
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".md")
JSON = [path for path in FILES if path.suffix == ".json"]
TEMPLATES = [path for path in FILES if path.suffix == ".yaml"]
(BUCKET,) = S3Settings().buckets
SECRET = re.compile(
    r"(secret|password|access_?key(_?id)?|token)\w*(?:\s*=|[\"']?:\s)\s*[\"']?(?!\$|\{\{|!)[A-Za-z0-9+/]{8,}", re.I
)


def load(name: str) -> Any:
    return orjson.loads((FOLDER / name).read_bytes())


def template(name: str) -> dict[str, Any]:
    found, problems = decode(str(AWS / name))
    assert not problems
    assert isinstance(found, dict)
    return found


def test_every_store_has_its_page_and_every_file_is_told() -> None:
    assert all(f"({page})" in OVERVIEW for page in PAGES)
    told = OVERVIEW + "".join(PAGES.values())
    for path in FILES:
        name = f"aws/{path.name}" if path.parent == AWS else path.name
        assert name in told, f"no page says what {name} is for"


@pytest.mark.parametrize("store", ["versity", "minio", "ceph", "aws", "gcs", "seaweedfs"])
def test_every_store_is_told_our_topic_and_has_its_recordings(store: str) -> None:
    of_store = [path for path in FILES if store in str(path.relative_to(FOLDER))]
    assert any(UPLOADS_TOPIC in path.read_text(encoding="utf-8") for path in of_store)
    assert list(RECORDED.glob(f"{store}-*"))
    assert f"{store}.md" in PAGES


@pytest.mark.parametrize("store", ["r2", "b2"])
def test_stores_without_a_bridge_have_their_recordings(store: str) -> None:
    assert list(RECORDED.glob(f"{store}-*.json"))


def test_no_secret_is_in_them() -> None:
    for path in FILES:
        assert not SECRET.search(path.read_text(encoding="utf-8")), path.name


def test_one_bucket_one_topic_one_queue() -> None:
    """Every ARN and every variable names the same."""
    for path in JSON:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"arn:aws:s3:::([a-z0-9-]+)", text)) <= {BUCKET}, path.name
        assert set(re.findall(r"arn:aws:s[qn]s:[\w-]*:\d*:([\w-]+)", text)) <= {UPLOADS_TOPIC}, path.name
    for name in ("versity.env", "minio.env"):
        values = dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE))
        (topic,) = (value for variable, value in values.items() if "TOPIC" in variable)
        assert topic == UPLOADS_TOPIC


def test_uploads_and_removals_are_asked_for() -> None:
    (aws,) = load("aws-notification.json")["QueueConfigurations"]
    assert {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"} == set(aws["Events"])
    (ceph,) = load("ceph-notification.json")["TopicConfigurations"]
    assert set(ceph["Events"]) == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}, "16.2 answers 400 to any other"
    assert load("versity-events.json") == {"s3:ObjectCreated:*": True, "s3:ObjectRemoved:*": True}
    assert "--event put,delete" in PAGES["minio.md"]
    assert "OBJECT_FINALIZE,OBJECT_DELETE" in PAGES["gcs.md"]


def test_what_is_asked_of_ceph_outlives_the_broker() -> None:
    topic = load("ceph-topic.json")
    assert (topic["kafka-ack-level"], topic["persistent"]) == ("broker", "true")
    assert topic["push-endpoint"].startswith("kafka://")


def test_the_variables_of_minio_are_one_target() -> None:
    names = re.findall(r"^MINIO_NOTIFY_KAFKA_(\w+?)_(LISTINGS)=", (FOLDER / "minio.env").read_text(), re.MULTILINE)
    assert {name for name, _ in names} == {"ENABLE", "BROKERS", "TOPIC", "QUEUE_DIR", "QUEUE_LIMIT"}
    assert "arn:minio:sqs::LISTINGS:kafka" in PAGES["minio.md"]


def test_the_account_of_minio_is_there_before_its_policy() -> None:
    """Attaching a policy to nobody fails: "The specified user does not exist"."""
    page = PAGES["minio.md"]
    steps = [page.index(f"mc {step} ") for step in ("mb", "event add", "admin user add", "admin policy attach")]
    assert steps == sorted(steps)
    assert page.index("mc admin policy create") < page.index("mc admin policy attach")


def test_the_filer_of_seaweedfs_takes_its_file() -> None:
    kafka = tomllib.loads((FOLDER / "seaweedfs-notification.toml").read_text())["notification"]["kafka"]
    assert (kafka["enabled"], kafka["topic"]) == (True, UPLOADS_TOPIC)


def test_pub_sub_leaves_the_attributes_where_they_are_read() -> None:
    config = load("gcs-pubsub-source.json")["config"]
    assert (config["kafka.topic"], config["kafka.record.headers"]) == (UPLOADS_TOPIC, "false")
    assert config["value.converter.schemas.enable"] == "false"
    assert config["errors.log.include.messages"] == "false"
    with_schema = {
        "schema": {"type": "struct"},
        "payload": orjson.loads((RECORDED / "gcs-kafka-connect.json").read_bytes()),
    }
    assert parse_notification(orjson.dumps(with_schema)).events, "nor does the other setting harm"


def test_the_shortest_notification_of_the_page_is_one() -> None:
    (shown,) = re.findall(r"`(\{\"bucket\".*?\}\})`", PAGES["garage.md"])
    (event,) = parse_notification(shown.encode()).events
    assert (event.bucket, event.key) == (BUCKET, "dealer-7/stock.json")


def test_the_limits_that_are_told_are_those_of_the_code() -> None:
    assert f"up to {_EVENTS_MAX:,}" in OVERVIEW
    assert "eight deep" in OVERVIEW
    assert _ENVELOPES_MAX == 8


# -- AWS


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_valid(path: Path) -> None:
    found = lint_all(path.read_text(encoding="utf-8"))
    assert [str(match) for match in found if not match.rule.id.startswith("I")] == []


def test_policies_are_those_of_the_template() -> None:
    resources = template("queue.yaml")["Resources"]
    (statement,) = load("aws/bridge-policy.json")["Statement"]
    (granted,) = resources["CarrierPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == granted["Action"]
    (statement,) = load("aws/queue-policy.json")["Statement"]
    granted = resources["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert [statement[name] for name in ("Sid", "Principal", "Action")] == [
        granted[name] for name in ("Sid", "Principal", "Action")
    ]
    assert statement["Condition"].keys() == granted["Condition"].keys()
    pattern = resources["Rule"]["Properties"]["EventPattern"]
    pattern["detail"]["bucket"]["name"] = [BUCKET]
    assert load("aws/eventbridge-pattern.json") == pattern


def test_an_outage_of_kafka_does_not_use_the_deliveries_up() -> None:
    queue = template("queue.yaml")["Resources"]["Queue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 1000
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_function_fits_the_code_and_the_queue() -> None:
    resources = template("lambda.yaml")["Resources"]
    function, trigger = resources["Function"]["Properties"], resources["Trigger"]["Properties"]
    assert function["Handler"] == f"{handler.__module__}.{handler.__name__}"
    assert f"--python-version {function['Runtime'].removeprefix('python')} " in PAGES["aws.md"]
    variables = function["Environment"]["Variables"]
    assert variables.keys() <= set(known_names())
    publish_s = float(variables["LISTINGS_KAFKA__PUBLISH_TIMEOUT_S"])
    assert publish_s == KafkaSettings().publish_timeout_s
    assert function["Timeout"] > publish_s + 5
    assert trigger["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = template("queue.yaml")["Resources"]["Queue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert "resolve:secretsmanager" in str(variables["LISTINGS_KAFKA__SASL_PASSWORD"])


def lambda_requirements() -> list[Requirement]:
    lines = (AWS / "lambda-requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_functions_packages_are_bound_as_ours() -> None:
    ours = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {str(requirement) for requirement in lambda_requirements()} <= {str(Requirement(line)) for line in ours}


def test_the_function_runs_with_its_packages_alone() -> None:
    names = {canonicalize_name(requirement.name) for requirement in lambda_requirements()}
    while more := {needed for name in names for needed in _needs(name)} - names:
        names |= more
    others = {
        top for top, owners in packages_distributions().items() if not set(map(canonicalize_name, owners)) & names
    }
    code = f"""
import importlib.abc, sys
OTHERS = {sorted(others - {"app"})!r}
class Packed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OTHERS:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Packed())
from app.bridges.aws_lambda import handler, _publisher
_publisher()
print("imported")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=50)
    assert done.stdout.strip() == "imported", done.stderr[-2000:]
    assert "faust" in others, "or this would prove nothing"


def _needs(name: str) -> set[NormalizedName]:
    parsed = [Requirement(line) for line in requires(name) or []]
    return {canonicalize_name(one.name) for one in parsed if one.marker is None or one.marker.evaluate({"extra": ""})}
