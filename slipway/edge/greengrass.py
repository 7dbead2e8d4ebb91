"""The recipe of an AWS IoT Greengrass v2 component, by the recipe reference of its developer guide.

https://docs.aws.amazon.com/greengrass/v2/developerguide/component-recipe-reference.html
"""

from typing import Any

import yaml

from slipway.models.manifest import Manifest

PLACEHOLDER = "s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION"
"""The place of artifacts as the Greengrass development kit writes it before a component is published."""

_INSTALL_SECONDS = 900
_ARCHIVE = "{artifacts:decompressedPath}"


def component_name(manifest: Manifest) -> str:
    """The component's name, e.g. ``slipway.tweet-sentiment``."""
    return f"slipway.{manifest.name}"


def component_version(manifest: Manifest) -> str:
    """The component's version, which Greengrass wants to be semantic."""
    return f"{manifest.version}.0.0"


def recipe(manifest: Manifest, *, archive: str, artifacts: str = PLACEHOLDER) -> str:
    """The recipe as YAML.

    Args:
        manifest: the version's manifest.
        archive: the file name of the artifact, a zip.
        artifacts: the ``s3://`` address of the folder of the artifact.
    """
    document = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": component_name(manifest),
        "ComponentVersion": component_version(manifest),
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": manifest.description,
        "ComponentPublisher": "Slipway",
        "ComponentConfiguration": {"DefaultConfiguration": {"api": "", "tokenFile": "", "every": 300}},
        "Manifests": [_manifest(archive, artifacts)],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _manifest(archive: str, artifacts: str) -> dict[str, Any]:
    root = f"{_ARCHIVE}/{archive.removesuffix('.zip')}"
    return {
        "Platform": {"os": "linux", "architecture": "aarch64"},
        "Lifecycle": {
            "Install": {"Timeout": _INSTALL_SECONDS, "Script": f'sh "{root}/install.sh" "{{work:path}}/venv"'},
            "Run": {
                "Script": f'exec sh "{root}/run.sh" "{{work:path}}"',
                "Setenv": {
                    "SLIPWAY_API": "{configuration:/api}",
                    "SLIPWAY_TOKEN_FILE": "{configuration:/tokenFile}",
                    "SLIPWAY_EVERY": "{configuration:/every}",
                },
            },
        },
        "Artifacts": [
            {
                "Uri": f"{artifacts.rstrip('/')}/{archive}",
                "Unarchive": "ZIP",
                "Permission": {"Read": "ALL", "Execute": "ALL"},
            }
        ],
    }
