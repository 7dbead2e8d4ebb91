"""Bundles have only what a function needs, are small enough, and run without anything else installed."""

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.bundles import import_all, modules_below

from infra.bundling.bundle import SOURCES, Target, build_bundle, package_store
from infra.bundling.dependencies import BundleError, Platform, find_python, install_dependencies
from slipway.config import load_config
from slipway.errors import ConfigError
from slipway.serving.apis.docs import ASSETS

MEGABYTE = 1000 * 1000
LIMITS = {
    "predict": 120,
    "features": 30,
    "feedback": 30,
    "controller": 80,
    "capture": 30,
    "shadow": 150,
    "monitor": 80,
    "widget": 180,
    "batch": 230,  # Lambda takes 250; Arrow is 80 of them
}
FUNCTIONS = tuple(LIMITS)
REGION = {"AWS_DEFAULT_REGION": "eu-west-1"}
TABLES = {
    "SLIPWAY_FEATURES_TABLE": "features",
    "SLIPWAY_CONTROL_TABLE": "control",
    "SLIPWAY_ID_KEYS": "/demo/id-keys",
}
BEHIND_THE_API = FUNCTIONS[:3]

OURS = {"functions", "slipway", "slipway.yaml"}
WEB = {
    *("annotated_doc", "annotated_types", "anyio", "fastapi", "opentelemetry", "pydantic", "pydantic_core"),
    *("starlette", "typing_extensions.py", "typing_inspection", "yaml", "_yaml", "mangum"),
}
TYPES = {
    *("annotated_types", "pydantic", "pydantic_core", "typing_extensions.py", "typing_inspection", "yaml", "_yaml"),
}
AWS = {
    *("aws_lambda_powertools", "aws_xray_sdk", "botocore", "dateutil", "jmespath", "six.py", "tenacity", "urllib3"),
    "wrapt",
}
INFERENCE = {"numpy", "numpy.libs", "onnxruntime", "tokenizers"}
ALLOWED = {
    "batch": OURS | TYPES | AWS | INFERENCE | {"models", "pyarrow"},
    "predict": OURS | WEB | AWS | INFERENCE | {"models"},
    "features": OURS | WEB | AWS,
    "feedback": OURS | WEB | AWS | {"models"},
    "controller": OURS | TYPES | AWS | {"boto3", "numpy", "numpy.libs", "s3transfer"},
    "capture": OURS | TYPES | AWS,
    "shadow": OURS | TYPES | AWS | INFERENCE | {"models"},
    "monitor": OURS | TYPES | AWS | {"boto3", "models", "numpy", "numpy.libs", "s3transfer"},
    "widget": OURS | TYPES | AWS | {"boto3", "markupsafe", "models", "numpy", "numpy.libs", "s3transfer", "vl_convert"},
}
SERVICES = {
    "controller": {"cloudwatch", "dynamodb", "ecs", "elbv2", "logs", "s3", "sns", "ssm"},
    "feedback": {"dynamodb", "ssm"},
    "monitor": {"dynamodb", "events", "s3"},
    "predict": {"dynamodb", "s3", "ssm"},
}
USUAL_SERVICES = {"dynamodb", "s3"}


def build(function, target, config_file):
    config = load_config(config_file)
    return build_bundle(function, target, root=config_file.parent, config_file=config_file, config=config)


def files_of(folder):
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="session", params=FUNCTIONS)
def deployable(request):
    """A function's bundle as `cdk deploy` uploads it from this repository."""
    return request.param, build(request.param, Target.LAMBDA, SOURCES / "slipway.yaml")


def test_a_bundle_is_within_its_size(deployable):
    function, folder = deployable
    size = sum(file.stat().st_size for file in files_of(folder).values()) / MEGABYTE
    assert size <= LIMITS[function], f"{function} has {size:.0f} MB, and at most {LIMITS[function]} are allowed"


def test_a_bundle_holds_no_package_that_it_does_not_need(deployable):
    function, folder = deployable
    packages = {path.name for path in folder.iterdir() if path.suffix != ".dist-info" and path.name != "__pycache__"}
    assert packages == ALLOWED[function]


def test_a_bundle_is_stripped_and_compiled(deployable):
    function, folder = deployable
    files = files_of(folder)
    assert not [path for path in files if path.endswith((".pyi", ".h", ".a")) or "/tests/" in path]
    assert not [path for path in files if "libonnxruntime.so" in path]
    kept = [path for path in files if path.startswith("aws_lambda_powertools/event_handler/")]
    assert sorted(path.rpartition("/")[2] for path in kept) == (sorted(ASSETS) if function == "predict" else [])
    described = {path.split("/")[2] for path in files if path.startswith("botocore/data/") and path.count("/") > 2}
    assert described == SERVICES.get(function, USUAL_SERVICES)
    handlers = [path for path in files if path.startswith("functions/") and path.endswith(".cpython-313.pyc")]
    assert handlers


def test_native_code_is_for_arm(deployable):
    _, folder = deployable
    names = [Path(path).name for path in files_of(folder) if ".cpython-" in path and path.endswith(".so")]
    assert names
    assert not [name for name in names if "aarch64" not in name]


def test_only_what_predicts_carries_graphs(deployable):
    function, folder = deployable
    carried = {Path(path).name for path in files_of(folder) if path.startswith("models/")}
    if function in {"batch", "predict", "shadow"}:
        assert {"model.yaml", "model.onnx"} < carried
    else:  # a manifest says which labels feedback may give; the monitor counts into the bins of baselines
        assert carried == {
            "feedback": {"model.yaml"},
            "monitor": {"model.yaml", "baseline.json", "calibration.json"},
            "widget": {"model.yaml", "baseline.json", "calibration.json"},
        }.get(function, set())
    assert (folder / "slipway" / "config" / "project.py").is_file()


LAPTOP_ONLY = (
    *("slipway/bundling", "slipway/cli", "slipway/models/advice", "slipway/models/compression"),
    *("slipway/models/importing", "slipway/releases/simulation"),
)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_only_a_laptop_needs_is_in_no_bundle(function, make_project):
    folder = build(function, Target.HOST, make_project())
    assert [name for name in LAPTOP_ONLY if (folder / name).exists()] == []
    assert all((SOURCES / name).is_dir() for name in LAPTOP_ONLY)


def test_every_module_of_a_bundle_still_imports(make_project):
    bundle = build("predict", Target.HOST, make_project())
    names = modules_below(bundle, "slipway")
    assert len(names) > 100
    import_all(bundle, names)


def run(bundle, program, *arguments, **environment):
    """The output of a program with only the bundle installed."""
    # -I and -S: without this environment's site-packages, and without the folder that the tests run in.
    command = [find_python(), "-I", "-S", "-c", f"import sys\nsys.path.insert(0, sys.argv[1])\n{program}", str(bundle)]
    given = {"LAMBDA_TASK_ROOT": str(bundle), "SLIPWAY_CONTROL_TABLE": "control", **environment}
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=given, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("function", ["batch", "controller", "capture", "shadow", "monitor", "widget"])
@pytest.mark.parametrize("untraced", ["true", "false"])
def test_a_function_without_the_api_starts_and_has_its_clients(function, untraced, make_project):
    bundle = build(function, Target.NATIVE, make_project())
    services = sorted(SERVICES.get(function, USUAL_SERVICES))
    program = (
        f"import functions.{function}.handler, botocore.session\n"
        f"for service in {services}:\n"
        "    botocore.session.get_session().create_client(service, region_name='eu-west-1')\n"
    )
    url = "https://abc.execute-api.eu-west-1.amazonaws.com"
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    monitored = {"SLIPWAY_CAPTURE_BUCKET": "captures", "SLIPWAY_MODEL_BUCKET": "models", "SLIPWAY_ALARM_TOPIC": topic}
    batch = {"SLIPWAY_BATCH_BUCKET": "jobs", "SLIPWAY_MODEL_BUCKET": "models"}
    buckets = {"monitor": monitored, "widget": monitored, "batch": batch}.get(function, {})
    names = {"SLIPWAY_API": url, "SLIPWAY_CAPTURE_BUCKET": "captures", "AWS_REGION": "eu-west-1", **buckets, **REGION}
    run(bundle, program, POWERTOOLS_TRACE_DISABLED=untraced, **names)


def test_the_widgets_bundle_draws_pictures_and_escapes_what_they_show(make_project):
    bundle = build("widget", Target.NATIVE, make_project())
    program = (
        "from slipway.console.pictures.weights import ModelWeights, weights\n"
        "from slipway.console.widget.svg import render\n"
        "name = '\"><img src=x onerror=alert(1)>'\n"
        "print(render(weights([ModelWeights(name, 1, {1: 0.9, 2: 0.1})]), width=588, height=369, theme='dark'))\n"
    )
    svg = run(bundle, program, **REGION)
    root = ElementTree.fromstring(svg)  # noqa: S314 - the renderer made it
    assert (root.tag, root.get("width"), root.get("height")) == ("{http://www.w3.org/2000/svg}svg", "588", "299")
    assert "stable" in svg
    assert "onerror=alert(1)" in svg
    # CloudWatch removes these, and a picture would be broken without them.
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert tags.isdisjoint({"img", "script", "use", "iframe", "foreignObject"})


def test_parquet_is_read_and_written_with_what_is_left_of_arrow(make_project):
    program = (
        "import io, pyarrow as pa, pyarrow.compute as pc, pyarrow.csv, pyarrow.parquet as pq\n"
        "file = io.BytesIO()\n"
        "pq.write_table(pa.table({'a': [1, None], 's': ['x', 'yy']}), file)\n"
        "(batch,) = pq.ParquetFile(file).iter_batches()\n"
        "print(batch.to_pylist(), pc.utf8_length(batch.column('s')).to_pylist())\n"
    )
    printed = run(build("batch", Target.NATIVE, make_project()), program)
    assert printed == "[{'a': 1, 's': 'x'}, {'a': None, 's': 'yy'}] [1, 2]\n"


def test_histories_are_read_with_what_is_left_of_arrow(make_project, tmp_path):
    program = (
        "from pathlib import Path\n"
        "import numpy as np, pyarrow as pa\n"
        "from slipway.batch.features import HistoryReader\n"
        "from slipway.config import load_config\n"
        "from slipway.features.definitions import FeatureDefinitions\n"
        "from slipway.features.history.files import HistoryFolder, pack_rows\n"
        "from slipway.features.history.rows import Change, HistoryRow\n"
        f"files = HistoryFolder(Path({str(tmp_path)!r}))\n"
        "row = HistoryRow('tumour', 'patient', 'p1', Change.WRITE, 5, '0' * 40, 5, None, '{\"radius\": 2.5}')\n"
        "for key, content in pack_rows([row]).items(): files.put(key, content)\n"
        "reader = HistoryReader(files, FeatureDefinitions(load_config(Path(sys.argv[1]) / 'slipway.yaml').features))\n"
        "rows = reader.read('tumour', pa.array(['p1', 'p1']), np.array([9, 1], np.int64))\n"
        "print(rows.column('radius').to_pylist())\n"
    )
    printed = run(build("batch", Target.NATIVE, make_project(history="    history: true\n")), program)
    assert printed == "[2.5, None]\n"


@pytest.mark.parametrize("function", BEHIND_THE_API)
def test_a_bundle_runs_where_nothing_else_is_installed(function, make_project):
    bundle = build(function, Target.NATIVE, make_project())
    path = {"predict": "/v1/models/tiny-sentiment/predict", "features": "/v1/nothing", "feedback": "/v1/nothing"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path[function],
        "rawQueryString": "",
        "headers": {"host": "example.com", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": path[function], "sourceIp": "127.0.0.1"}},
        "body": json.dumps({"inputs": [{"text": "good sunny"}]}),
        "isBase64Encoded": False,
    }
    program = (
        "import json, types\n"
        f"from functions.{function}.handler import handler\n"
        "context = types.SimpleNamespace(function_name='f', memory_limit_in_mb=1, invoked_function_arn='a',"
        " aws_request_id='r')\n"
        "answer = handler(json.loads(sys.argv[2]), context)\n"
        "import botocore.session, tenacity\n"
        "botocore.session.get_session().create_client('dynamodb', region_name='eu-west-1')\n"
        "print('ANSWER', json.dumps(answer))\n"
    )
    printed = run(bundle, program, json.dumps(event), **{**REGION, **TABLES})
    (line,) = [line for line in printed.splitlines() if line.startswith("ANSWER ")]
    answer = json.loads(line.removeprefix("ANSWER "))
    assert answer["statusCode"] == (200 if function == "predict" else 404), answer
    if function == "predict":
        assert json.loads(answer["body"])["predictions"][0]["label"] == "positive"


def test_the_packages_come_out_the_same_each_time(tmp_path):
    lock = SOURCES / "functions" / "feedback" / "requirements.lock"
    for place, store in (("kept", package_store(SOURCES)), ("new", tmp_path / "store")):
        install_dependencies(lock, Platform.ARM64, tmp_path / place, store=store)
    kept, new = (files_of(tmp_path / place) for place in ("kept", "new"))
    assert kept.keys() == new.keys()
    assert [path for path, file in kept.items() if file.read_bytes() != new[path].read_bytes()] == []


def test_the_embedded_awss_bundle_is_our_sources_and_models_only(make_project):
    config_file = make_project()
    folder = build("predict", Target.HOST, config_file)
    assert {path.name for path in folder.iterdir()} == OURS | {"models"}
    assert (folder / "models" / "tiny-sentiment" / "2" / "tokenizer.json").is_file()
    assert (folder / "slipway.yaml").read_bytes() == config_file.read_bytes()


def test_a_bundle_is_built_again_only_when_something_in_it_changed(make_project):
    config_file = make_project()
    before = build("predict", Target.HOST, config_file).stat().st_ino
    assert build("predict", Target.HOST, config_file).stat().st_ino == before
    config_file.write_text(config_file.read_text() + "\n# changed\n")
    folder = build("predict", Target.HOST, config_file)
    assert (folder / "slipway.yaml").read_text().endswith("# changed\n")
    assert sorted(path.name for path in folder.parent.iterdir() if not path.name.startswith(".")) == ["predict"]


def test_only_deployed_versions_are_in_the_bundle(make_project):
    config_file = make_project(models="")
    config_file.write_text(config_file.read_text().replace("versions: [1, 2]", "versions: [1]"))
    folder = build("predict", Target.HOST, config_file)
    assert [path.as_posix() for path in sorted((folder / "models").glob("*/*"))] == [
        (folder / "models/tiny-sentiment/1").as_posix()
    ]


def test_the_users_own_tasks_go_with_their_models(make_project):
    config_file = make_project(rest="light: { task_modules: [ranking.tasks, mine, numpy.linalg] }")
    for file in ("ranking/__init__.py", "ranking/tasks.py", "ranking/names.txt", "mine.py"):
        (config_file.parent / file).parent.mkdir(exist_ok=True)
        (config_file.parent / file).write_text("")
    predict, features = (build(function, Target.HOST, config_file) for function in ("predict", "features"))
    assert {"ranking/__init__.py", "ranking/tasks.py", "ranking/names.txt", "mine.py"} <= files_of(predict).keys()
    assert not (features / "mine.py").exists()


@pytest.mark.parametrize("module", ["slipway.tasks", "functions", "container", "infra.tasks", "local"])
def test_a_task_module_cannot_take_slipways_place(make_project, module):
    config_file = make_project(rest=f"light: {{ task_modules: [{module}] }}")
    with pytest.raises(ConfigError, match=rf"light\.task_modules: `{re.escape(module)}` would replace"):
        build("predict", Target.HOST, config_file)


def test_a_package_that_does_not_exist_is_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"numpy==0.0.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BundleError, match=r"(?s)requirements.lock cannot be installed for aarch64.*numpy==0.0.1"):
        install_dependencies(lock, Platform.ARM64, tmp_path / "packages", store=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["requirements.lock"]
