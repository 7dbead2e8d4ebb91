"""slipway.yaml as types: which models are deployed, and how."""

from slipway.config.api import ApiConfig, Authorization, JwtConfig, LimitsConfig, ThrottleConfig
from slipway.config.cors import CorsConfig
from slipway.config.features import FeatureConfig, FeatureGroupConfig, FeatureType, FeatureValue
from slipway.config.models import CacheConfig, CaptureConfig, ModelConfig
from slipway.config.names import FeatureName, ModuleName, Name, VersionNumber
from slipway.config.project import Config, LightTierConfig, Project, load_config, load_local, parse_config, read_project
from slipway.config.releases.gates import GatesConfig, QualityGate, metric_name

__all__ = [
    "ApiConfig",
    "Authorization",
    "CacheConfig",
    "CaptureConfig",
    "Config",
    "CorsConfig",
    "FeatureConfig",
    "FeatureGroupConfig",
    "FeatureName",
    "FeatureType",
    "FeatureValue",
    "GatesConfig",
    "JwtConfig",
    "LightTierConfig",
    "LimitsConfig",
    "ModelConfig",
    "ModuleName",
    "Name",
    "Project",
    "QualityGate",
    "ThrottleConfig",
    "VersionNumber",
    "load_config",
    "load_local",
    "metric_name",
    "parse_config",
    "read_project",
]
