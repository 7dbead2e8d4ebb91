"""Jobs over objects in S3, by moto: whatever ends a worker, the next run makes what an undisturbed one would have."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws
from support.moto_account import use_test_credentials
from support.packages import make_regression_package

from slipway.batch import cutting, steps
from slipway.batch.account.bucket import InputObjects, OutputObjects
from slipway.batch.account.places import Place
from slipway.batch.account.runs import Planned, PlanRequest, Run
from slipway.batch.account.work import Finisher, JobScorer, Planner, Worker
from slipway.batch.folders import InputFolder, OutputFolder
from slipway.batch.job import Job
from slipway.batch.parts import OutputFormat
from slipway.batch.scoring import Scorer
from slipway.batch.shards import from_lines
from slipway.config import parse_config
from slipway.errors import CheckFailedError, ConflictError, InputError, NotFoundError
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.bucket import s3_client

BUCKET, NOW, ROWS = "jobs-of-demo", datetime(2026, 11, 27, 12, tzinfo=UTC), 40
CONFIG = parse_config("models: {tiny-price: {versions: [1], stable: 1}}")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    use_test_credentials(monkeypatch)
    with mock_aws():
        made = boto3.client("s3")
        made.create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def source(tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of text and one of Parquet, each of several shards, and the same in S3."""
    monkeypatch.setattr(cutting, "TEXT_BYTES", 60)
    monkeypatch.setattr(cutting, "_PIECE_BYTES", 16)
    monkeypatch.setattr(cutting, "GROUP_ROWS", 10)
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "a.csv").write_text("rooms,area,note\n" + "".join(f"{n},{n}.5,row {n}\n" for n in range(ROWS)))
    columns = {"rooms": [float(n) for n in range(ROWS)], "area": [2.0] * ROWS}
    pq.write_table(pa.table(columns), folder / "b.parquet", row_group_size=5)
    for path in (each for each in folder.rglob("*") if each.is_file()):
        s3.put_object(Bucket=BUCKET, Key=f"inputs/x/{path.relative_to(folder).as_posix()}", Body=path.read_bytes())
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Package:
    make_regression_package(tmp_path / "tiny-price" / "1")
    return load_package(tmp_path / "tiny-price" / "1")


class Account:
    """The steps as the state machine calls them."""

    def __init__(self, package: Package, source: Path, target: Path, s3: Any) -> None:
        self.package, self.source, self.s3 = package, source, s3
        self._target = target
        client, scorer = s3_client(), Scorer(Predictor(package))
        self.planner = Planner(CONFIG, BUCKET, client, lambda _, __: package, lambda _: 1)
        self.worker = Worker(BUCKET, client, lambda _: JobScorer(scorer))
        self.finisher = Finisher(BUCKET, client)
        self.items = OutputObjects(Place(BUCKET), client)

    def plan(self, run: Run, execution: str = "job-1") -> Planned:
        return self.planner.plan(PlanRequest(step="plan", run=run, execution=execution, started=NOW))

    def shards(self, planned: Planned) -> list[Any]:
        return list(from_lines(self.items.read(planned.items) or ""))

    def run(self, run: Run, execution: str = "job-1") -> Planned:
        planned = self.plan(run, execution)
        self.score(planned)
        return planned

    def score(self, planned: Planned) -> None:
        for shard in self.shards(planned):
            self.worker.score(planned.run, shard)

    def content(self, prefix: str = "jobs/job-1/") -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        keys = [each["Key"] for each in listed]
        return {key.removeprefix(prefix): self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def undisturbed(self) -> dict[str, bytes]:
        """What one process makes of the same files on this machine."""
        inputs, outputs, scorer = InputFolder(self.source), OutputFolder(self._target), Scorer(Predictor(self.package))
        job = steps.begin(Job.of(self.package, OutputFormat.PARQUET, None, NOW), outputs)
        shards = steps.plan(inputs, outputs, self.package.manifest)
        for shard in shards:
            steps.score(job, shard, inputs, outputs, scorer)
        steps.finish(job, shards, outputs)
        files = (path for path in self._target.rglob("*") if path.is_file())
        return {path.relative_to(self._target).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def account(source: Path, package: Package, tmp_path: Path, s3: Any) -> Account:
    return Account(package, source, tmp_path / "out", s3)


@pytest.fixture
def run() -> Run:
    return Run(model="tiny-price", source=f"s3://{BUCKET}/inputs/x/", job="job-1")


def test_a_job_makes_what_it_makes_on_one_machine(account: Account, run: Run) -> None:
    planned = account.run(run)
    summary = account.finisher.finish(planned.run)

    assert (planned.scorer, planned.missing, planned.rows) == ("light", planned.shards, 2 * ROWS)
    assert (summary.rows, summary.rejected, summary.parts) == (2 * ROWS, 0, planned.shards)
    assert account.content() == account.undisturbed()


@pytest.mark.parametrize("writes", range(12))
def test_a_worker_that_dies_at_any_write_costs_only_its_shard(
    writes: int, account: Account, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = account.plan(run)
    with monkeypatch.context() as patched:
        left = [writes]
        store = OutputObjects.write

        def dies(self: OutputObjects, name: str, text: str) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            store(self, name, text)

        patched.setattr(OutputObjects, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            account.score(planned)

    with pytest.raises(ConflictError, match="its worker ended without a reason"):
        account.finisher.finish(planned.run)
    again = account.run(run, "job-1_2")
    account.finisher.finish(again.run)

    assert again.missing == planned.shards - writes
    assert account.content() == account.undisturbed()


def test_a_shard_that_cannot_be_read_fails_alone_and_finish_says_why(account: Account, run: Run, s3: Any) -> None:
    planned = account.plan(run)
    whole = (account.source / "b.parquet").read_bytes()
    s3.put_object(Bucket=BUCKET, Key="inputs/x/b.parquet", Body=whole[: len(whole) // 2])
    for shard in account.shards(planned):
        if shard.file == "b.parquet":
            with pytest.raises(InputError):
                account.worker.score(planned.run, shard)
        else:
            account.worker.score(planned.run, shard)

    with pytest.raises(
        ConflictError, match=r"4 of \d+ shards were not scored: shard 0 of b.parquet: b.parquet: .*rerun"
    ):
        account.finisher.finish(planned.run)

    s3.put_object(Bucket=BUCKET, Key="inputs/x/b.parquet", Body=whole)
    again = account.run(run, "job-1_2")
    account.finisher.finish(again.run)
    assert again.missing == 4
    assert account.content() == account.undisturbed()


def test_a_job_that_is_done_has_nothing_left_to_do(account: Account, run: Run) -> None:
    account.finisher.finish(account.run(run).run)
    again = account.plan(run, "job-1_2")
    assert (again.missing, account.shards(again)) == (0, [])
    assert account.finisher.finish(again.run).rows == 2 * ROWS


def test_a_rerun_keeps_the_version_and_the_shards_of_the_first_run(account: Account, run: Run) -> None:
    first = account.plan(run)
    served = Planner(CONFIG, BUCKET, s3_client(), account.planner.packages, lambda _: 2)
    again = served.plan(PlanRequest(step="plan", run=run, execution="job-1_2", started=NOW))
    assert (again.run.version, again.shards) == (first.run.version, first.shards) == (1, first.shards)
    assert account.content("runs/job-1/")["cut.json"] == b'{"rows": 60000}'


def test_a_task_scores_the_shard_with_its_number(account: Account, run: Run) -> None:
    planned = account.plan(run)
    outcome = account.worker.score_number(planned.run, 1)
    assert outcome is not None
    assert outcome.scored == account.shards(planned)[1].rows
    assert account.worker.score_number(planned.run, 1) is None
    with pytest.raises(InputError, match="none with the number 99"):
        account.worker.score_number(planned.run, 99)


def test_too_many_wrong_rows_fail_the_job_and_are_all_there(account: Account, run: Run, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="inputs/wrong.csv", Body=b"rooms,area\n1,1\nx,2\n3,3\n")
    wrong = run.model_copy(update={"source": f"s3://{BUCKET}/inputs/wrong.csv"})
    planned = account.run(wrong)
    with pytest.raises(CheckFailedError, match="1 of 3 rows were rejected"):
        account.finisher.finish(planned.run)
    found = account.content()
    assert [name for name in found if name.startswith("rejected/")]
    assert "_SUCCESS" not in found


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": "tiny-prise"}, NotFoundError, "did you mean 'tiny-price'"),
        ({"source": f"s3://{BUCKET}/inputs/none/"}, InputError, "has no files of records"),
        ({"source": f"s3://{BUCKET}/inputs/x/more/a.csv.gz"}, InputError, "has no files of records"),
        ({"source": "s3://no-such-bucket/a/"}, InputError, "has no files of records"),
        ({"output": f"s3://{BUCKET}/inputs/x/out"}, InputError, "is within the input"),
        ({"output": f"s3://{BUCKET}/inputs/"}, ConflictError, "which no batch job has written"),
    ],
)
def test_what_cannot_be_is_said_by_the_plan(
    account: Account, run: Run, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    account.s3.put_object(Bucket=BUCKET, Key="inputs/mine.txt", Body=b"mine")
    with pytest.raises(error, match=said):
        account.plan(run.model_copy(update=changes))


def test_an_object_that_is_replaced_while_it_is_read_is_refused(source: Path, s3: Any) -> None:
    inputs = InputObjects(Place(BUCKET, "inputs/x/more/a.csv"), s3_client())
    assert inputs.files() == ["a.csv"]
    with inputs.open("a.csv") as stream:
        s3.put_object(Bucket=BUCKET, Key="inputs/x/more/a.csv", Body=b"rooms\n1\n")
        with pytest.raises(InputError, match="was replaced while it was read"):
            stream.read()


def test_an_object_that_stands_for_a_folder_is_no_file(source: Path, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="inputs/x/", Body=b"")
    assert InputObjects(Place.parse(f"s3://{BUCKET}/inputs/x/", field="INPUT"), s3_client()).files() == [
        "b.parquet",
        "more/a.csv",
    ]


def test_an_object_is_read_in_ranges_as_a_file_is(source: Path, s3: Any) -> None:
    whole = (source / "b.parquet").read_bytes()
    with InputObjects(Place(BUCKET, "inputs/x"), s3_client()).open("b.parquet") as stream:
        assert (stream.seek(-8, 2), stream.read()) == (len(whole) - 8, whole[-8:])
        assert (stream.seek(4), stream.read(10), stream.tell()) == (4, whole[4:14], 14)
        assert (stream.seek(2, 1), stream.read()) == (16, whole[16:])
        assert stream.read() == b""


def test_a_part_that_is_not_finished_is_not_there(s3: Any) -> None:
    outputs = OutputObjects(Place(BUCKET, "out"), s3_client())

    def fail() -> None:
        with outputs.writing("part") as path:
            path.write_bytes(b"half")
            raise InputError.of("x", "broken")

    with pytest.raises(InputError):
        fail()
    assert ("part" in outputs, outputs.names(), outputs.read("part")) == (False, [], None)
    outputs.write("_a/b.json", "1")
    outputs.write("c", "2")
    assert (outputs.names(), outputs.names("_a")) == (["c"], ["_a/b.json"])
    outputs.remove("c")
    assert "c" not in outputs
