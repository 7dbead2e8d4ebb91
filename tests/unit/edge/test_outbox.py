"""The outbox of a device: bounded, only appended to, and whole after a loss of power."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.edge.outbox import Entry, Kept, Outbox, Said


def _kept(number: int, text: str = "good") -> Entry:
    return Entry(prediction=Kept(model="m", version=1, random=f"{number:024x}", record={"text": text}))


def _numbers(outbox: Outbox) -> list[int]:
    return [int(line.entry.prediction.random, 16) for line in outbox.waiting() if line.entry and line.entry.prediction]


def test_entries_wait_in_order_until_they_are_sent(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for number in range(3):
        assert outbox.add(_kept(number))
    lines = list(outbox.waiting())
    outbox.sent_until(lines[1].end)
    assert _numbers(Outbox(tmp_path)) == [2]
    assert outbox.bytes_waiting() == lines[2].end - lines[1].end


def test_the_file_is_emptied_once_all_of_it_was_sent(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(_kept(1))
    outbox.sent_until([line.end for line in outbox.waiting()][-1])
    assert (tmp_path / "entries.jsonl").stat().st_size == 0
    outbox.add(_kept(2))
    assert _numbers(Outbox(tmp_path)) == [2]


def test_what_was_added_while_sending_is_kept(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(_kept(1))
    end = [line.end for line in outbox.waiting()][-1]
    outbox.add(_kept(2))
    outbox.sent_until(end)
    assert _numbers(outbox) == [2]


def test_a_full_outbox_drops_what_is_added(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, most_bytes=400)
    added = [outbox.add(_kept(number)) for number in range(10)]
    assert added[0]
    assert not added[-1]
    assert (tmp_path / "entries.jsonl").stat().st_size <= 400
    assert len(_numbers(outbox)) == sum(added)


@pytest.mark.parametrize("torn", [b'{"prediction": {"model"', b"\x00" * 50])
def test_a_torn_line_is_passed_over_and_what_follows_is_kept(tmp_path: Path, torn: bytes) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(_kept(1))
    with (tmp_path / "entries.jsonl").open("ab") as file:
        file.write(torn)
    assert _numbers(outbox) == [1]
    outbox.add(_kept(2))
    assert _numbers(outbox) == [1, 2]


def test_a_position_beyond_the_end_counts_as_the_start(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(_kept(1))
    (tmp_path / "sent").write_text("100000")
    assert _numbers(outbox) == [1]


class Crash(BaseException):
    """A loss of power at a change of a file."""


@pytest.mark.parametrize("changes", range(4))
@pytest.mark.parametrize("drop", [False, True])
def test_a_crash_while_sent_lines_are_dropped_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, drop: bool
) -> None:
    outbox, left = Outbox(tmp_path), [changes]
    outbox.add(_kept(1))
    outbox.add(_kept(2))
    first, last = (line.end for line in outbox.waiting())
    outbox.sent_until(first)

    def crashing(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*args: object, **options: object) -> object:
            if not left[0]:
                raise Crash
            left[0] -= 1
            return change(*args, **options)

        return changed

    with monkeypatch.context() as patched:
        for name in ("unlink", "write_bytes", "replace"):
            patched.setattr(Path, name, crashing(getattr(Path, name)))
        with suppress(Crash):
            outbox.drop_sent() if drop else outbox.sent_until(last)
    if drop:
        assert 2 in _numbers(Outbox(tmp_path))
    # A position that outlives its lines would skip those that are added later.
    Outbox(tmp_path).add(_kept(3))
    Outbox(tmp_path).add(_kept(4))
    assert _numbers(Outbox(tmp_path))[-2:] == [3, 4]


def test_lines_that_were_sent_make_room(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, most_bytes=400)
    while outbox.add(_kept(1)):
        pass
    outbox.sent_until(next(outbox.waiting()).end)
    count = len(_numbers(outbox))
    outbox.drop_sent()
    assert len(_numbers(outbox)) == count
    assert (tmp_path / "entries.jsonl").stat().st_size == outbox.bytes_waiting()
    assert outbox.add(_kept(2))
    assert _numbers(outbox) == [*[1] * count, 2]


def test_an_entry_that_no_reader_would_read_is_dropped(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    assert not outbox.add(_kept(1, "x" * 1024 * 1024))
    assert outbox.add(_kept(2))
    assert _numbers(outbox) == [2]


def test_several_threads_add_whole_lines(tmp_path: Path) -> None:
    def add(first: int) -> None:
        outbox = Outbox(tmp_path)
        for number in range(first, first + 50):
            assert outbox.add(_kept(number, "word " * 100))

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_numbers(Outbox(tmp_path))) == list(range(150))


def test_signed_ids_are_kept_and_bounded(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add_signed({f"old{number}": "x" for number in range(10_000)})
    outbox.add_signed({"new": "signed"})
    signed = Outbox(tmp_path).signed()
    assert len(signed) == 10_000
    assert signed["new"] == "signed"
    assert "old0" not in signed


def test_feedback_is_an_entry_of_its_own(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.add(Entry(feedback=Said(prediction_id="m.1.0", body={"label": "late"})))
    (line,) = outbox.waiting()
    assert line.entry is not None
    assert line.entry.feedback == Said(prediction_id="m.1.0", body={"label": "late"})
