"""The model card of an imported package."""

from slipway.models.manifest import Form, InputField, Manifest

_UNKNOWN = "not stated at import."


def model_card(manifest: Manifest, *, kind: str, about: str | None) -> str:
    """The package's README.md. ``about`` is the user's Markdown on use, data, limits and licence."""
    parameters = manifest.training.parameters
    checked = parameters["checked_on"]
    quality = "\n".join(f"| {m.metric} | {m.value:.4g} | {m.data} |" for m in manifest.quality)
    fields = "\n".join(_row(field) for field in manifest.inputs)
    frameworks = ", ".join(f"{name} {version}" for name, version in parameters["frameworks"].items())
    sections = {
        "About": about or f"Intended use, training data, limits and licence: {_UNKNOWN}",
        "Inputs": f"| input | type | limits | description |\n| --- | --- | --- | --- |\n{fields}",
        "Answers": _answers(manifest),
        "Where it comes from": f"{kind}, imported from `{parameters['imported_from']}` with {frameworks}.",
        "Check": f"On {checked['rows']} records of {checked['name']}, no answer differs from the original by more than "
        f"the largest difference below; at most {parameters['tolerance']:g} was accepted. Limits of inputs that were "
        "not stated come from the same records. The graph is in the number format of the original.",
        "Quality": f"| metric | value | data |\n| --- | --- | --- |\n{quality}",
        "Made by": f"`{manifest.training.command}`",
    }
    body = "\n\n".join(f"## {title}\n{text}" for title, text in sections.items())
    return f"# {manifest.name}, version {manifest.version}\n\n{manifest.description}\n\n{body}\n"


def _row(field: InputField) -> str:
    limits = [f"{field.min:g} to {field.max:g}"] if field.min is not None and field.max is not None else []
    if field.allowed is not None:
        limits.append(", ".join(str(value) for value in field.allowed))
    if field.nullable:
        limits.append("may be missing")
    if field.group is not None:
        limits.append(f"from feature group {field.group}")
    return f"| {field.name} | {field.type} | {'; '.join(limits)} | {field.description} |"


def _answers(manifest: Manifest) -> str:
    outputs, labels = manifest.outputs, manifest.outputs.labels or ()
    match outputs.form:
        case Form.LABEL:
            return f"One of {', '.join(labels)}, with a probability for each."
        case Form.LABELS:
            rows = "\n".join(f"| {label} | {outputs.threshold(label):g} |" for label in labels)
            sentence = "Any number of labels: those whose own probability is over their threshold."
            return f"{sentence}\n\n| label | threshold |\n| --- | --- |\n{rows}"
        case Form.VALUE:
            return "One value" + (f", in {outputs.unit}." if outputs.unit else ".")
        case Form.VALUES:
            rows = "\n".join(f"| {target.name} | {target.unit or ''} |" for target in outputs.targets or ())
            return f"Several values:\n\n| target | unit |\n| --- | --- |\n{rows}"
