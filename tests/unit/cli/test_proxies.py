import sys

import pytest

from slipway.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize(
    "variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
)
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://x"])
def test_the_api_of_this_machine_is_called_without_a_proxy(fake_api, monkeypatch, variable, proxy):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(variable, proxy)
    answer = {"model": "m", "predictions": [{"id": "m.1.a", "version": 1, "label": "positive", "score": 0.9}]}
    fake_api.answers["GET /v1/models/m"] = (200, {"versions": [{"version": 1, "inputs": []}]})
    fake_api.answers["POST /v1/models/m/predict"] = (200, answer)

    assert run(monkeypatch, "predict", "m", "text=x") == 0


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch, capsys):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    assert run(monkeypatch, "predict", "m", "text=x", "--api", "https://api.invalid", "--token", "t") == 4
    assert "proxy" in capsys.readouterr().err
