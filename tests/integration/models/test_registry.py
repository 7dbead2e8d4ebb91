"""The behaviour of the registry, in memory and on AWS."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from support.packages import make_text_package
from support.registries import FAILED, ORIGIN, PASSED, Flaky, Parts, spoil

from slipway.errors import (
    CheckFailedError,
    ConflictError,
    InputError,
    NotFoundError,
    PackageError,
    UnavailableError,
)
from slipway.models.gates.rules import Check
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.registry import Registry

NAME = "tiny-sentiment"


class TestRegister:
    def test_versions_are_numbered_from_one(self, registry: Registry, text_package: Package):
        records = [registry.register(text_package, PASSED, ORIGIN) for _ in range(3)]
        assert [record.number for record in records] == [1, 2, 3]
        assert registry.versions(NAME) == records
        assert registry.version(NAME, 2) == records[1]

    def test_the_record_has_the_lineage(self, registry: Registry, tmp_path: Path):
        training = {
            "command": "make tweets",
            "data": [{"name": "train.tsv", "rows": 45_000, "sha256": "a" * 64}],
            "seed": 7,
            "parameters": {"epochs": 2},
            "git_commit": "b" * 40,
            "teacher": "tweet-sentiment-large:3",
            "parent": 1,
        }
        package = make_text_package(tmp_path / "2", version=2, training=training)
        registry.register(package, PASSED, ORIGIN)
        kept = registry.version(NAME, 1)
        assert kept.training.model_dump(mode="json") == training
        assert (kept.origin, kept.check, kept.forced, kept.deprecated) == (ORIGIN, PASSED, None, None)
        assert kept.registered_at.tzinfo is not None

    def test_a_package_that_failed_or_was_not_checked_is_refused(self, parts: Parts, text_package: Package):
        with pytest.raises(CheckFailedError, match="package bytes: too large"):
            parts.registry.register(text_package, FAILED, ORIGIN)
        with pytest.raises(CheckFailedError, match=f"models.{NAME}.gates"):
            parts.registry.register(text_package, Check(()), ORIGIN)
        assert (parts.registry.versions(NAME), parts.stored()) == ([], [])

    def test_force_takes_it_and_keeps_the_reason(self, registry: Registry, text_package: Package):
        with pytest.raises(InputError, match="must give a reason"):
            registry.register(text_package, FAILED, ORIGIN, force=" ")
        registry.register(text_package, FAILED, ORIGIN, force="the gate is wrong, see ticket 7")
        kept = registry.version(NAME, 1)
        assert (kept.forced, kept.check.failed) == ("the gate is wrong, see ticket 7", FAILED.results)

    def test_two_at_once_get_two_numbers(self, registry: Registry, text_package: Package):
        together = Barrier(4)

        def register(_: int) -> int:
            together.wait()
            return registry.register(text_package, PASSED, ORIGIN).number

        with ThreadPoolExecutor(4) as pool:
            numbers = sorted(pool.map(register, range(4)))
        assert numbers == [1, 2, 3, 4]
        assert [record.number for record in registry.versions(NAME)] == numbers

    def test_a_file_altered_meanwhile_is_no_version(self, parts: Parts, text_package: Package):
        (text_package.folder / "README.md").write_text("# other\n", "utf-8")
        with pytest.raises(PackageError, match=r"README\.md: was altered"):
            parts.registry.register(text_package, PASSED, ORIGIN)
        assert (parts.registry.versions(NAME), parts.stored()) == ([], [])

    def test_a_package_written_anew_meanwhile_is_no_version(self, parts: Parts, text_package: Package):
        make_text_package(text_package.folder, description="Another one.")
        with pytest.raises(PackageError, match="has changed since"):
            parts.registry.register(text_package, PASSED, ORIGIN)
        assert parts.stored() == []

    def test_models_do_not_share_numbers(self, registry: Registry, text_package: Package, tabular_package: Package):
        registry.register(text_package, PASSED, ORIGIN)
        assert registry.register(tabular_package, PASSED, ORIGIN).number == 1


class TestPull:
    def test_what_comes_back_is_the_package_under_its_number(
        self, registry: Registry, text_package: Package, tmp_path: Path
    ):
        for _ in range(2):
            registry.register(text_package, PASSED, ORIGIN)
        pulled = registry.pull(NAME, 2, tmp_path / "pulled" / "2")
        assert pulled == load_package(tmp_path / "pulled" / "2")
        assert pulled.manifest.seal != text_package.manifest.seal
        expected = {"version": 2, "seal": pulled.manifest.seal}
        assert pulled.manifest == text_package.manifest.model_copy(update=expected)
        assert Predictor(pulled).predict([{"text": "good"}]) == Predictor(text_package).predict([{"text": "good"}])
        assert [path.name for path in (tmp_path / "pulled").iterdir()] == ["2"]

    def test_an_own_number_leaves_the_manifest_as_it_was(
        self, registry: Registry, text_package: Package, tmp_path: Path
    ):
        registry.register(text_package, PASSED, ORIGIN)
        registry.pull(NAME, 1, tmp_path / "pulled")
        before, after = (folder / "model.yaml" for folder in (text_package.folder, tmp_path / "pulled"))
        assert before.read_bytes() == after.read_bytes()

    def test_what_is_there_already_stays(self, registry: Registry, text_package: Package, tmp_path: Path):
        registry.register(text_package, PASSED, ORIGIN)
        assert registry.pull(NAME, 1, text_package.folder) == text_package
        other = make_text_package(tmp_path / "other", description="Another one.")
        with pytest.raises(ConflictError, match="already exists and is not tiny-sentiment 1"):
            registry.pull(NAME, 1, other.folder)
        assert load_package(other.folder).manifest.description == "Another one."

    def test_a_version_that_is_not_there_is_named_with_those_that_are(self, registry: Registry, text_package: Package):
        registry.register(text_package, PASSED, ORIGIN)
        with pytest.raises(NotFoundError, match="no version of tiny-sentiment '7' in the registry; there is 1"):
            registry.pull(NAME, 7, text_package.folder.parent / "7")

    @pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "README.md", "baseline.json", "model.yaml"])
    @pytest.mark.parametrize(
        "alter", [lambda content: content + b" ", lambda content: bytes([content[0] ^ 1]) + content[1:], None]
    )
    def test_an_altered_or_missing_object_is_an_error_and_leaves_nothing(
        self, parts: Parts, text_package: Package, tmp_path: Path, file: str, alter: Callable[[bytes], bytes] | None
    ):
        parts.registry.register(text_package, PASSED, ORIGIN)
        spoil(parts, f"models/{NAME}/1/{file}", alter)
        with pytest.raises(PackageError, match=rf"models/{NAME}/1/{file}: (was altered|is missing)"):
            parts.registry.pull(NAME, 1, tmp_path / "pulled" / "1")
        assert list((tmp_path / "pulled").iterdir()) == []

    def test_the_manifest_is_read_checked(self, parts: Parts, text_package: Package):
        record = parts.registry.register(text_package, PASSED, ORIGIN)
        assert parts.registry.manifest(record) == text_package.manifest
        spoil(parts, f"models/{NAME}/1/model.yaml", lambda content: content.replace(b"tests", b"crime"))
        with pytest.raises(PackageError, match="differs from the registered one"):
            parts.registry.manifest(record)


class TestDeprecate:
    def test_a_mark_removes_nothing(self, registry: Registry, text_package: Package, tmp_path: Path):
        for _ in range(2):
            registry.register(text_package, PASSED, ORIGIN)
        record = registry.deprecate(NAME, 2, reason="biased", by="tester")
        assert (record.deprecated.reason, record.deprecated.by) == ("biased", "tester")
        assert registry.version(NAME, 2) == record
        assert [kept.number for kept in registry.versions(NAME)] == [1, 2]
        assert registry.newest(NAME).number == 1
        assert registry.pull(NAME, 2, tmp_path / "2").manifest.version == 2

    def test_the_first_mark_stays(self, registry: Registry, text_package: Package):
        registry.register(text_package, PASSED, ORIGIN)
        first = registry.deprecate(NAME, 1, reason="biased", by="tester")
        assert registry.deprecate(NAME, 1, reason="other", by="another") == first

    def test_it_needs_a_version_and_a_reason(self, registry: Registry, text_package: Package):
        with pytest.raises(NotFoundError):
            registry.deprecate(NAME, 1, reason="biased", by="tester")
        registry.register(text_package, PASSED, ORIGIN)
        with pytest.raises(InputError):
            registry.deprecate(NAME, 1, reason=" ", by="tester")


class TestInterrupted:
    """Whichever call fails, before or after its effect, there is a complete version or none."""

    @pytest.mark.parametrize("carried_out", [False, True])
    @pytest.mark.parametrize("error", [UnavailableError("registry", "gone"), KeyboardInterrupt()])
    def test_one_call_fails(self, parts: Parts, text_package: Package, tmp_path: Path, carried_out: bool, error: Any):
        calls = failed = 0
        while True:
            flaky = Flaky(parts, lambda call, at=calls: call == at, error, carried_out=carried_out)
            before = parts.registry.versions(NAME)
            try:
                record = flaky.registry.register(text_package, PASSED, ORIGIN)
            except (UnavailableError, KeyboardInterrupt):
                failed += 1
                assert parts.registry.versions(NAME) == before
                assert parts.stored() == [f"{r.prefix}{name}" for r in before for name in FILES]
            else:
                assert parts.registry.versions(NAME) == [*before, record]
                parts.registry.pull(NAME, record.number, tmp_path / str(record.number))
                if flaky.calls <= calls:  # the failure came after the last call
                    break
            calls += 1
        # Listing, allocating, five files. The record's own failure counts only where it was not written.
        assert failed == 7 + (0 if carried_out else 1)

    @pytest.mark.parametrize("carried_out", [False, True])
    def test_the_connection_is_lost_for_good(
        self, parts: Parts, text_package: Package, tmp_path: Path, carried_out: bool
    ):
        gone = UnavailableError("registry", "gone")
        for at in range(12):
            registry = Flaky(parts, lambda call, at=at: call >= at, gone, carried_out=carried_out).registry
            with suppress(UnavailableError):
                registry.register(text_package, PASSED, ORIGIN)
        whole = parts.registry.versions(NAME)
        for record in whole:
            parts.registry.pull(NAME, record.number, tmp_path / str(record.number))
        # A day later the next registration removes what the others have left.
        parts.clock.ahead = timedelta(days=1, minutes=1)
        last = parts.registry.register(text_package, PASSED, ORIGIN)
        assert {key.split("/")[2] for key in parts.stored()} == {str(r.number) for r in [*whole, last]}

    def test_an_upload_under_way_is_left_alone(self, parts: Parts, text_package: Package):
        parts.objects.put(f"models/{NAME}/1/model.onnx", io.BytesIO(b""), sha256=EMPTY)
        assert parts.registry.clean(NAME) == []
        parts.clock.ahead = timedelta(days=1, minutes=1)
        assert parts.registry.clean(NAME) == [1]
        assert parts.stored() == []

    def test_an_upload_that_was_given_up_cannot_become_a_version(self, parts: Parts, text_package: Package):
        class Slow:
            """Finishes its upload after it was cleaned up."""

            def __getattr__(self, name: str) -> Any:
                return getattr(parts.table, name)

            def add(self, record: Any) -> None:
                parts.clock.ahead = timedelta(days=1, minutes=1)
                assert parts.registry.clean(NAME) == [1]
                parts.table.add(record)

        with pytest.raises(ConflictError, match="was abandoned"):
            Registry(parts.objects, Slow(), clock=parts.clock).register(text_package, PASSED, ORIGIN)
        assert (parts.registry.versions(NAME), parts.stored()) == ([], [])

    def test_a_number_that_is_a_version_already_stays_it(self, parts: Parts, text_package: Package):
        class Forgetful:
            """A table whose counter was lost."""

            def __getattr__(self, name: str) -> Any:
                return getattr(parts.table, name)

            def allocate(self, model: str, *, above: int = 0) -> int:
                return 1

        first = parts.registry.register(text_package, PASSED, ORIGIN)
        with pytest.raises(ConflictError, match="is already in the registry"):
            Registry(parts.objects, Forgetful(), clock=parts.clock).register(text_package, PASSED, ORIGIN)
        assert parts.registry.versions(NAME) == [first]
        assert len(parts.stored()) == len(FILES)

    def test_a_version_is_never_cleaned(self, parts: Parts, text_package: Package):
        parts.registry.register(text_package, PASSED, ORIGIN)
        parts.clock.ahead = timedelta(days=100)
        assert parts.registry.clean(NAME) == []
        assert not parts.table.abandon(NAME, 1)
        assert len(parts.stored()) == len(FILES)


FILES = ("README.md", "baseline.json", "model.onnx", "model.yaml", "tokenizer.json")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
