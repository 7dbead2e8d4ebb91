"""What is stored of entities, as the functions store it, and where it still is."""

import base64
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from slipway.aws.table import lazy_client
from slipway.config import parse_config
from slipway.monitoring.captures.collecting import Collected, Retention, Stores, collect
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.feedback.prediction_ids import PredictionId, new_random

MODEL = "mood"
KEPT = timedelta(days=30)
U42, U7 = Subject("user", "u42"), Subject("user", "u7")
CONFIG = parse_config(
    "models: {mood: {versions: [1], stable: 1}}\n"
    "features: {profile: {entity: user, features: {age: {type: integer}}}}\n"
)
PLACE: Any = {"LocationConstraint": "eu-west-1"}


def line(subject: Subject, number: int, *, at: datetime | None = None, text: str = "") -> str:
    """A captured prediction about an entity."""
    made = at or datetime.now(UTC) - timedelta(minutes=number)
    random = f"{int(made.timestamp()):08x}{new_random()[8:]}"
    return capture_line(
        prediction_id=str(PredictionId(MODEL, 1, random)),
        model=MODEL,
        version=1,
        time_ms=int(made.timestamp() * 1000),
        request_id="r",
        inputs={"text": text or f"tweet {number} of {subject.id}", "age": 40},
        outputs={"label": "positive", "score": 0.5},
        entities={subject.entity: subject.id},
    )


@dataclass
class World:
    """Everything that is stored."""

    stores: Stores
    retention: Retention

    def capture(self, *lines: str) -> Collected:
        return collect(lines, self.stores, self.retention)

    def objects(self, bucket: str = "captures") -> dict[str, bytes]:
        """The content of every file, unpacked."""
        s3 = boto3.client("s3")
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {each["Key"]: unpacked(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in found}

    def items(self) -> list[dict[str, Any]]:
        """Every item of every table."""
        client = lazy_client()()
        tables = ("features", "control", "predictions")
        return [item for table in tables for item in client.scan(TableName=table)["Items"]]

    def mentions(self, text: str) -> list[str]:
        """What holds a text: keys of files, and of items."""
        files = [
            key for bucket in ("captures", "history") for key, held in self.objects(bucket).items() if has(held, text)
        ]
        return files + [item["pk"]["S"] for item in self.items() if text in json.dumps(item)]


def has(content: bytes, text: str) -> bool:
    return text.encode() in content


def unpacked(content: bytes) -> bytes:
    """A file as text; of an event that the function gave up on, its lines."""
    if content.startswith(b"{"):
        return gzip.decompress(base64.b64decode(json.loads(content)["requestPayload"]["awslogs"]["data"]))
    return gzip.decompress(content)


def given_up(*lines: str) -> bytes:
    """An event as Lambda stores it when the function failed on it."""
    events = [
        {"id": str(at), "timestamp": 5, "message": each} for at, each in enumerate((*lines, "START", lines[0][:-5]))
    ]
    where = {"owner": "123456789012", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"]}
    content = json.dumps({"messageType": "DATA_MESSAGE", **where, "logEvents": events})
    data = base64.b64encode(gzip.compress(content.encode())).decode()
    return json.dumps({"version": "1.0", "requestPayload": {"awslogs": {"data": data}}}).encode()
