"""What a process runs before its first request."""

import json

from support.serving import Api

from slipway.serving.http.priming import prediction_events
from slipway.serving.prediction.served import ServedModels


def test_every_loaded_version_is_run_once(api: Api) -> None:
    events = list(prediction_events(ServedModels(api.config, api.models)))
    paths = [event["rawPath"] for event in events]
    assert paths == [
        "/v1/models/tiny-sentiment/predict",
        "/v1/models/tiny-sentiment/versions/2/predict",
        *(f"/v1/models/{name}/predict" for name in ("tiny-cached", "tiny-tabular", "tiny-price")),
    ]
    with api.client() as client:
        answers = [client.post(event["rawPath"], json=json.loads(event["body"])).status_code for event in events]
    assert answers == [200] * len(events)


def test_a_version_that_is_not_loaded_is_left_out(api: Api) -> None:
    models = {key: model for key, model in api.models.items() if key[0] != "tiny-tabular" and key[1] != 2}
    paths = [event["rawPath"] for event in prediction_events(ServedModels(api.config, models))]
    assert "/v1/models/tiny-tabular/predict" not in paths
    assert not any("versions" in path for path in paths)
