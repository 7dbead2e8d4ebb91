"""`slipway predict`: predict records through a deployed API."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from slipway.cli.api import connect
from slipway.cli.options import AsJson, Token, Url
from slipway.cli.values import assignments
from slipway.errors import InputError


def predict(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    fields: Annotated[
        list[str] | None, typer.Argument(help="One record as FIELD=VALUE …, e.g. text='What a day'.")
    ] = None,
    *,
    records: Annotated[
        Path | None, typer.Option("--input", help="JSONL file of records, or - for standard input.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="Version to call instead of the released one.")] = None,
    api: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Predict one record, or each line of a file."""
    inputs = _inputs(fields or [], records)
    path = f"/v1/models/{model}" + (f"/versions/{version}" if version else "") + "/predict"
    with connect(api, token) as client:
        answer = client.call("POST", path, {"inputs": inputs})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        Console().print(_table(model, answer["predictions"]))


def _inputs(fields: Sequence[str], records: Path | None) -> list[Any]:
    if bool(fields) == (records is not None):
        raise InputError.of(
            "FIELD=VALUE or --input", "give one record as FIELD=VALUE …, or a file of records with --input"
        )
    if records is None:
        return [assignments(fields)]
    lines = sys.stdin if str(records) == "-" else _lines(records)
    return [_parse(line, number) for number, line in enumerate(lines, start=1) if line.strip()]


def _lines(records: Path) -> Iterable[str]:
    try:
        return records.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError.of("--input", f"{records}: {error.strerror}") from error


def _parse(line: str, number: int) -> Any:
    try:
        return json.loads(line, parse_constant=_constant)
    except ValueError as error:
        raise InputError.of(f"--input line {number}", f"not JSON: {error}") from error


def _constant(name: str) -> None:
    """NaN, as pandas writes missing values, is null in JSON; infinities have no such meaning."""
    if name != "NaN":
        raise ValueError(f"{name} is not a number")


def _table(model: str, predictions: Sequence[dict[str, Any]]) -> Table:
    table = Table("version", "answer", "score", "id", title=model)
    for prediction in predictions:
        answer = prediction.get("label", prediction.get("value"))
        score = f"{prediction['score']:.3f}" if "score" in prediction else ""
        table.add_row(str(prediction["version"]), str(answer), score, prediction["id"])
    return table
