"""Build the bundle of the function `predict` for Lambda, as a deploy does, and print its folder."""

from pathlib import Path

from infra.bundling.bundle import Target, build_bundle
from slipway.config import load_config

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "slipway.yaml"

print(build_bundle("predict", Target.LAMBDA, root=ROOT, config_file=CONFIG, config=load_config(CONFIG)))
