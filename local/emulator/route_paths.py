"""Paths with a line break, which MiniStack's greedy path parameters do not match, as an id may have one."""

from ministack.services import apigateway

_BREAK, _STAND_IN = "\n", "\uffff"  # no text has that character


def install() -> None:
    """Have this process's MiniStack match a line break in a path like any other character, as API Gateway does."""
    extract = apigateway._extract_path_params

    def extracted(route_path: str, request_path: str) -> dict[str, str] | None:
        found: dict[str, str] | None = extract(route_path, request_path.replace(_BREAK, _STAND_IN))
        return found and {name: value.replace(_STAND_IN, _BREAK) for name, value in found.items()}

    apigateway._extract_path_params = extracted
