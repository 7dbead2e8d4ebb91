"""The processors that a process may use."""

import os
from pathlib import Path

import pytest

from slipway.serving.batching.processors import available_processors

AFFINITY = len(os.sched_getaffinity(0))


def cgroup(tmp_path: Path, own: str, **files: str) -> dict[str, Path]:
    (tmp_path / "own").write_text(own, encoding="ascii")
    for name, content in files.items():
        path = tmp_path / "cgroup" / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs_", "cpu.cfs_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="ascii")
    return {"cgroups": tmp_path / "cgroup", "own": tmp_path / "own"}


def test_without_quotas_it_is_the_affinity(tmp_path: Path) -> None:
    assert available_processors(**cgroup(tmp_path, "0::/\n")) == AFFINITY
    assert available_processors(**cgroup(tmp_path, "0::/\n", cpu_max="max 100000\n")) == AFFINITY


@pytest.mark.parametrize(("quota", "processors"), [("100000 100000", 1), ("50000 100000", 1), ("10 1000", 1)])
def test_a_quota_limits(tmp_path: Path, quota: str, processors: int) -> None:
    assert available_processors(**cgroup(tmp_path, "0::/task/own\n", task__own__cpu_max=quota)) == processors


def test_the_quota_of_an_outer_group_limits_too(tmp_path: Path) -> None:
    files = {"task__cpu_max": "100000 100000", "task__own__cpu_max": "max 100000"}
    assert available_processors(**cgroup(tmp_path, "0::/task/own\n", **files)) == 1


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    files = {"cpu__docker__cfs_quota_us": "100000\n", "cpu__docker__cfs_period_us": "100000\n"}
    assert available_processors(**cgroup(tmp_path, "4:cpu,cpuacct:/docker\n2:memory:/docker\n", **files)) == 1
    unlimited = {**files, "cpu__docker__cfs_quota_us": "-1\n"}
    assert available_processors(**cgroup(tmp_path, "4:cpu,cpuacct:/docker\n", **unlimited)) == AFFINITY
