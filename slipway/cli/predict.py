"""`slipway predict`: predict records through a deployed API."""

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
from slipway.cli.predict_input import Described, Placed, calls, read_rows, records_of
from slipway.cli.tables import new_table
from slipway.cli.values import assignments, texts
from slipway.errors import InputError
from slipway.records.files import Format, open_records, read_stream
from slipway.records.rows import Records

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
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", help="A column of --input that is not sent, e.g. label; may be repeated."),
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
    if ignored and records is None:
        raise InputError.of("--ignore", "is for the columns of a file that --input names")
    texts(fields or ())  # a mistyped one is named before anything is called
    path = f"/v1/models/{quote(model, safe='')}"
    with ExitStack() as stack:
        file = None if records is None else stack.enter_context(_opened(records))
        rows = [] if file is None else read_rows(file)
        client = stack.enter_context(connect(api, token))
        described = Described.of(model, client.get(path), version)
        if file is None:
            asked = [Placed(assignments(fields or (), described.types), "")]
        else:
            asked = records_of(file, rows, described, ignored or ())
        to = path + (f"/versions/{version}" if version else "") + "/predict"
        answers = [_call(client, to, part) for part in calls(asked, described)]
    answer = {**answers[0], "predictions": [made for each in answers for made in each["predictions"]]}
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


def _call(client: Api, path: str, asked: Sequence[Placed]) -> Any:
    """Predict; a problem of a record of a file is named by its place in the file."""
    try:
        return client.call("POST", path, {"inputs": [each.record for each in asked]})
    except ApiError as error:
        problems = [{**each, "field": _place(each["field"], asked)} for each in error.problem.get("errors", ())]
        raise ApiError(error.status, {**error.problem, "errors": problems}) from error


def _place(field: str, asked: Sequence[Placed]) -> str:
    """``inputs[3].text`` as ``rows.csv record 4 (line 5), text``."""
    found = _FIELD.fullmatch(field)
    if found is None or int(found["at"]) >= len(asked) or not asked[int(found["at"])].place:
        return field
    place = asked[int(found["at"])].place
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
