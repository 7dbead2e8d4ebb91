"""schemathesis over the served OpenAPI document: no 5xx, and no answer outside the schema."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_are_as_documented(api, mode) -> None:
    api.write_patient("p001", radius=12.0, smooth=0.5)
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.app())
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters:
            check(operation, mode)


def check(operation, mode) -> None:
    @settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(case=operation.as_strategy(generation_mode=mode))
    def conforms(case) -> None:
        case.call_and_validate(checks=CHECKS)

    conforms()
