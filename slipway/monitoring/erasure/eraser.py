"""Erases what is stored of an entity: features, index, predictions of any kind, feedback, and history.

Every step may be repeated, and each erases what it finds the rest by before it erases that: the feedback of a captured
prediction before the capture. So an erasure that was stopped loses nothing, and the next one goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic

from slipway.aws.partitions import PartitionTable
from slipway.aws.table import Item
from slipway.errors import UnavailableError
from slipway.features.precomputed import precomputed_key
from slipway.features.sending import send_all
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.forgotten import Forgotten
from slipway.monitoring.entities.index_table import partition, read_entry
from slipway.monitoring.erasure.bucket import FileVersion, VersionedFiles
from slipway.monitoring.erasure.progress import Progress, ProgressStore
from slipway.monitoring.erasure.shelves import Shelf
from slipway.monitoring.erasure.split import UnreadableError
from slipway.monitoring.erasure.traces import Traces, delete_present

FEATURES = "feature rows"
INDEXED = "index entries"
PRECOMPUTED = "precomputed predictions"
_PAGE = 100
_FILES_AT_ONCE = 8
_IN_FLIGHT = 4
_TRIES = 10
_SAVE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where something of an entity may be; ``files`` are by the output that names their bucket.

    ``versions`` are those whose answers may have been precomputed.
    """

    features: PartitionTable
    control: PartitionTable
    cache: PartitionTable
    files: Mapping[str, VersionedFiles]
    shelves: Sequence[Shelf]
    versions: Sequence[tuple[str, int]] = ()


@dataclass(slots=True)
class Erased:
    """What an erasure did: how much of what was erased, and the files that could not be read."""

    counts: Counter[str] = field(default_factory=Counter)
    files: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _FileResult:
    counts: Counter[str]
    unreadable: bool = False


class Eraser:
    """Erases entities.

    Args:
        places: the tables and files.
        forgotten: gets a mark of the entity, so that the function `capture` stores nothing of its past again.
        progress: keeps how far an erasure has come.
        tell: called after each batch of files with the folder and how many of its files were read.
    """

    def __init__(
        self, places: Places, forgotten: Forgotten, progress: ProgressStore, tell: Callable[[str, int], None]
    ) -> None:
        self._places = places
        self._forgotten = forgotten
        self._progress = progress
        self._tell = tell
        self._traces = Traces(places.control, places.cache)

    def erase(self, subject: Subject, now: datetime) -> Erased:
        """Erase an entity. What is predicted for it from now on is captured again.

        Raises:
            UnavailableError: a table or the bucket cannot be reached; erasing again does what is left.
        """
        self._forgotten.mark(subject, now)
        progress = self._progress.read(subject)
        done = Erased(progress.erased)
        done.counts[FEATURES] += self._erase_features(subject)
        done.counts[PRECOMPUTED] += self._erase_precomputed(subject)
        for counts in self._erase_index(subject):
            done.counts += counts
        for shelf in self._places.shelves:
            if shelf.bucket in self._places.files:
                self._erase_files(subject, shelf, progress, done, now)
        progress.erased = Counter()
        self._progress.write(subject, progress)
        return done

    def _erase_features(self, subject: Subject) -> int:
        found = 0
        for page in self._places.features.pages(f"{subject.entity}#{subject.id}", consistent=True):
            self._places.features.delete([_key(item) for item in page])
            found += len(page)
        return found

    def _erase_precomputed(self, subject: Subject) -> int:
        keys = (precomputed_key(model, version, *subject) for model, version in self._places.versions)
        return delete_present(self._places.cache, [{"pk": {"S": key}} for key in keys])

    def _erase_index(self, subject: Subject) -> Iterator[Counter[str]]:
        for page in self._places.control.pages(partition(subject), size=_PAGE, consistent=True):
            traces = self._traces.erase(asdict(read_entry(subject, item)) for item in page)
            self._places.control.delete([_key(item) for item in page])
            yield Counter({INDEXED: len(page), **traces})

    def _erase_files(self, subject: Subject, shelf: Shelf, progress: Progress, done: Erased, now: datetime) -> None:
        scan = progress.scan(shelf.folder)
        scan.begin(now)
        progress.erased = done.counts
        saved = monotonic()
        bucket = self._places.files[shelf.bucket]
        listed = (file for file in bucket.listing(shelf.folder) if scan.needs(file.key, file.modified))

        def send(files: Sequence[FileVersion]) -> tuple[str, list[tuple[FileVersion, _FileResult]]]:
            return files[-1].key, [(file, self._erase_file(subject, shelf, file)) for file in files]

        for last, results in send_all(_grouped(listed), send, key=lambda file: file.key, in_flight=_IN_FLIGHT):
            for file, result in results:
                done.files += 1
                done.counts += result.counts
                done.unreadable += [file.key] if result.unreadable else []
            scan.at = last
            self._tell(shelf.folder, len(results))
            if monotonic() - saved > _SAVE_SECONDS:
                self._progress.write(subject, progress)
                saved = monotonic()
        scan.end()
        self._progress.write(subject, progress)

    def _erase_file(self, subject: Subject, shelf: Shelf, file: FileVersion) -> _FileResult:
        """Take the entity out of one file. If another writes it meanwhile, the file is read again."""
        counts: Counter[str] = Counter()
        bucket = self._places.files[shelf.bucket]
        for _ in range(_TRIES):
            read = bucket.read(file)
            if read is None:
                return _FileResult(counts)
            try:
                split = shelf.split(file.key, read.content, subject)
            except UnreadableError:
                return _FileResult(counts, unreadable=True)
            if not split.taken:
                return _FileResult(counts)
            counts.update(self._traces.erase(split.taken))
            if _take_out(bucket, file, split.left, read.tag):
                counts[shelf.holds] += len(split.taken)
                return _FileResult(counts)
        raise UnavailableError("the bucket of captures", f"{file.key} is changed all the time")


def _take_out(bucket: VersionedFiles, file: FileVersion, left: bytes, tag: str) -> bool:
    """Replace the latest version, or delete an older one; False if the file was changed since it was read."""
    if file.is_latest:
        return bucket.replace(file, left, tag)
    bucket.delete(file)
    return True


def _grouped(files: Iterable[FileVersion]) -> Iterator[list[FileVersion]]:
    """Groups of files in order, all versions of a file in one of them."""
    group: list[FileVersion] = []
    for file in files:
        if len(group) >= _FILES_AT_ONCE and file.key != group[-1].key:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}
