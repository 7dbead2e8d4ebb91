"""Whether a version's answer to a record is the same alone and in a batch."""

from slipway.models.measurements.golden import ALONE, GOLDEN, has_golden, read_golden
from slipway.models.package import Package


def may_batch(package: Package) -> bool:
    """Whether a graph may run in batches: a quantized one only if measurements showed that its answers are the same.

    Dynamic quantization computes its scales over the whole batch, so a record's answer can depend on the rest of its
    batch. What was measured is ``batch_independent`` of the manifest, or the difference of the golden records.

    Raises:
        PackageError: ``golden.json`` is malformed.
    """
    quantization = package.manifest.quantization
    if quantization is None or quantization.batch_independent is True:
        return True
    return has_golden(package.manifest) and read_golden(package.path(GOLDEN)).measured.get(ALONE) == 0.0
