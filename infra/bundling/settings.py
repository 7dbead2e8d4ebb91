"""The slipway.yaml that functions and tasks read: that of their environment."""

import tempfile
from pathlib import Path

import yaml

from slipway.config import Project


def deployed_settings(project: Project, environment: str | None, *, config_file: Path) -> Path:
    """The slipway.yaml of an environment, without the others.

    It is ``config_file`` itself if that names no environments, else a file below ``build/`` beside it.
    """
    if not project.environments:
        return config_file
    file = config_file.parent / "build" / "settings" / f"{environment or 'default'}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(project.document(environment)), sort_keys=False, allow_unicode=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as draft:
        draft.write(text)
    # A synth beside this one may read it at any time.
    Path(draft.name).replace(file)
    return file
