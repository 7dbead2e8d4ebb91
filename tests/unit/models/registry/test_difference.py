from pathlib import Path

from support.packages import make_tabular_package

from slipway.models.registry.difference import Change, compare_versions


def test_the_same_version_is_no_difference(tmp_path: Path):
    manifest = make_tabular_package(tmp_path / "1").manifest
    found = compare_versions(manifest, manifest)
    assert (found.schema, found.files, found.quality) == ((), (), ())
    assert found.size_bytes.before == found.size_bytes.after


def test_each_part_says_what_changed(tmp_path: Path):
    before = make_tabular_package(tmp_path / "1").manifest
    after = make_tabular_package(
        tmp_path / "2",
        version=2,
        fields=[{"name": "radius", "type": "float", "max": 50}, {"name": "mass", "type": "float"}],
        quality=[
            {"metric": "accuracy", "value": 0.5, "data": "made up"},
            {"metric": "balanced accuracy", "value": 0.4, "data": "made up"},
        ],
    ).manifest
    found = compare_versions(before, after)
    schema = {change.what: (change.before, change.after) for change in found.schema}
    assert schema.keys() == {"order of inputs", "input radius", "input smooth", "input age", "input mass"}
    assert schema["input mass"] == (None, {"type": "float"})
    assert schema["input radius"][1] == {"type": "float", "max": 50.0}
    assert {change.what for change in found.files} == {"baseline.json", "model.onnx"}
    assert found.quality == (
        Change("accuracy on made up", 1.0, 0.5),
        Change("macro_recall on made up", None, 0.4),
    )
