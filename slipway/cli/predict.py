"""`slipway predict`: predict records through a deployed API."""

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.api import Api, ApiError, connect
from slipway.cli.options import AsJson, Token, Url, print_json
from slipway.cli.tables import new_table
from slipway.cli.values import assignments, texts
from slipway.config import FeatureType
from slipway.errors import FieldProblem, InputError
from slipway.records.cells import read_cells
from slipway.records.files import Format, open_records, read_stream
from slipway.records.rows import Records, Row, placed, readable, shown

_FIELD = re.compile(r"inputs\[(?P<at>\d+)\](\.(?P<name>.+))?")


def predict(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    fields: Annotated[
        list[str] | None, typer.Argument(help="One record as FIELD=VALUE …, e.g. text='What a day'.")
    ] = None,
    *,
    records: Annotated[
        Path | None,
        typer.Option("--input", help="CSV, TSV, JSONL or Parquet; - is JSONL on standard input."),
    ] = None,
    version: Annotated[int | None, typer.Option(help="Version to call instead of the released one.")] = None,
    api: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Predict one record, or each record of a file."""
    if bool(fields) == (records is not None):
        raise InputError.of(
            "FIELD=VALUE or --input", "give one record as FIELD=VALUE …, or a file of records with --input"
        )
    texts(fields or ())  # a mistyped one is named before anything is called
    path = f"/v1/models/{quote(model, safe='')}"
    with ExitStack() as stack:
        file = None if records is None else stack.enter_context(_opened(records))
        client = stack.enter_context(connect(api, token))
        if file is None:
            inputs, places = [assignments(fields or (), _types(client, path, version))], [""]
        else:
            inputs, places = _inputs(file, _types(client, path, version) if file.is_text else {})
        answer = _call(client, path + (f"/versions/{version}" if version else "") + "/predict", inputs, places)
    if as_json:
        print_json(answer)
    else:
        Console().print(_table(model, answer["predictions"]))


@contextmanager
def _opened(records: Path) -> Iterator[Records]:
    if str(records) == "-":
        yield read_stream(sys.stdin.buffer, Format.JSON_LINES, "standard input")
        return
    with open_records(records) as file:
        yield file


def _inputs(file: Records, types: Mapping[str, FeatureType]) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of a file and the place of each; raises InputError that names the places of unreadable ones."""
    rows = readable(file)
    if not rows:
        raise InputError.of("--input", f"{file.name} has no records")
    return [_record(read_cells(row.values, types), file, row) for row in rows], [
        f"{file.name} {row.position}" for row in rows
    ]


def _record(values: Mapping[str, Any], file: Records, row: Row) -> dict[str, Any]:
    """A record as JSON, with null for NaN. A column of CSV or Parquet without a value is an absent field."""
    values = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
    problems = [
        FieldProblem(name, f"must be a finite number, a text, true or false (got {shown(value)})")
        for name, value in values.items()
        if not _is_json(value) or (file.columns is not None and isinstance(value, list | dict))
    ]
    if problems:
        raise InputError(placed(f"{file.name} {row.position}", problems))
    return {name: value for name, value in values.items() if value is not None or file.columns is None}


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int | list | dict)


def _types(client: Api, path: str, version: int | None) -> dict[str, FeatureType]:
    """The type of each input of the version that the call names, else of the stable one, by the API's description."""
    described = client.get(path)
    wanted = version or described.get("release", {}).get("stable")
    found = [each for each in described.get("versions", ()) if each["version"] == wanted]
    return {field["name"]: FeatureType(field["type"]) for each in found for field in each.get("inputs", ())}


def _call(client: Api, path: str, inputs: list[dict[str, Any]], places: list[str]) -> Any:
    """Predict; a problem of a record of a file is named by its place in the file."""
    try:
        return client.call("POST", path, {"inputs": inputs})
    except ApiError as error:
        problems = [{**each, "field": _place(each["field"], places)} for each in error.problem.get("errors", ())]
        raise ApiError(error.status, {**error.problem, "errors": problems}) from error


def _place(field: str, places: list[str]) -> str:
    """``inputs[3].text`` as ``rows.csv record 4 (line 5), text``."""
    found = _FIELD.fullmatch(field)
    if found is None or int(found["at"]) >= len(places) or not places[int(found["at"])]:
        return field
    place = places[int(found["at"])]
    return f"{place}, {found['name']}" if found["name"] else place


def _table(model: str, predictions: Sequence[dict[str, Any]]) -> Table:
    table = new_table("version", "answer", "score", "id", title=escape(model))
    for prediction in predictions:
        answer, score = _shown_answer(prediction)
        table.add_row(str(prediction["version"]), escape(answer), score, prediction["id"])
    return table


def _shown_answer(prediction: Mapping[str, Any]) -> tuple[str, str]:
    """The answer and its score, or the scores of several labels."""
    match prediction:
        case {"labels": list() as labels, "scores": dict() as scores}:
            return ", ".join(labels) or "(no label)", ", ".join(f"{scores[label]:.3f}" for label in labels)
        case {"values": dict() as values}:
            return ", ".join(f"{name} {value}" for name, value in values.items()), ""
        case {"score": score}:
            return str(prediction.get("label")), f"{score:.3f}"
        case _:
            return str(prediction.get("label", prediction.get("value"))), ""
