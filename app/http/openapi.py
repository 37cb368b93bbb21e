"""What the API's description says of how callers show who they are, and of what is open to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.http.routing import doors
from app.tokens.open_paths import headers_by_path, paths_open_to_strangers, paths_open_without_token

if TYPE_CHECKING:
    from fastapi import FastAPI

MEANING = "An API token, gw_..., or the access token of somebody who signed in."
TOKEN = {"token": {"type": "http", "scheme": "bearer", "description": MEANING}}


def describe_callers(app: FastAPI) -> None:
    """Have the description of `app` ask for a token, but where a route checks something else instead.

    Of each route it tells the scope and whose data it is about.
    """
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _name_callers(generated())
            _name_owners(generated(), app)
        return generated()

    app.openapi = openapi  # type: ignore[method-assign]


def _name_callers(document: dict[str, Any]) -> None:
    document["security"] = [{name: [] for name in TOKEN}]
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes.update(TOKEN)
    for path in paths_open_to_strangers():
        for operation in document["paths"][path].values():
            operation["security"] = []
    for path in paths_open_without_token():
        for operation in document["paths"][path].values():
            operation["security"] = [*document["security"], {}]
    for path, header in headers_by_path().items():
        schemes[header] = {"type": "apiKey", "in": "header", "name": header}
        for operation in document["paths"][path].values():
            operation["security"] = [{header: []}]


def _name_owners(document: dict[str, Any], app: FastAPI) -> None:
    for door in doors(app).all:
        operations = document["paths"].get(door.path.replace(":path}", "}"), {})
        for scope, owner in door.asks:
            for method in door.methods & {name.upper() for name in operations}:
                operation = operations[method.lower()]
                said = f"Scope: `{scope}`. Open to: {owner.says}"
                operation["description"] = f"{operation.get('description', '')}\n\n{said}".lstrip()
