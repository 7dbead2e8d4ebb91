"""Entity: its life as a picture, its features now, and how to forget it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response

from slipway.cli.entity.known import Known
from slipway.cli.entity.target import known_entities
from slipway.console.context import Confirmation, Here
from slipway.console.navigation import Page
from slipway.console.pages import labelling
from slipway.console.pages.forms import text_of_answer
from slipway.console.pictures.life import life
from slipway.console.queries import entities as queries
from slipway.console.workspace import Workspace

router = APIRouter()
page = Page("Entities", "/entities", router)

Name = Annotated[str, Query(max_length=100)]
Id = Annotated[str, Query(max_length=256)]


@router.get(page.path)
def entity(request: Request, console: Here, entity: Name = "", id: Id = "") -> Response:
    """The life of one entity, or the form that asks for one."""
    workspace, identifier = console.workspace, id.strip()
    config, found, picture = workspace.config(), None, None
    if entity and identifier:
        key = ("entity", entity, identifier)
        found = console.tiles.get(key, lambda: queries.life_of(workspace, entity, identifier))
        if found.value is not None and found.value.chapters:
            picture = life(found.value.chapters, _labels(workspace, found.value))
    return console.page(
        request,
        "entities.html",
        entities=known_entities(config),
        entity=entity,
        id=identifier,
        found=found,
        picture=picture,
        features=queries.rows_of(found.value, workspace.clock()) if found is not None and found.value else [],
        indexed=config.captured_entities,
        answer=text_of_answer,
        query=urlencode({"entity": entity, "id": identifier}),
    )


@router.get(f"{page.path}/forget")
def ask(request: Request, console: Here, entity: Name, id: Id) -> Response:
    """Say what forgetting an entity will erase, before it is done."""
    workspace = console.workspace
    target = queries.find(workspace, entity, id)
    known = queries.life_of(workspace, entity, id)
    asked = Confirmation(
        question=f"Forget {target.subject}?",
        sentences=queries.what_goes(target, known, workspace.clock()),
        action=f"{page.path}/forget",
        fields={"entity": entity, "id": id},
        button=f"Forget {target.subject}",
        danger=True,
        back=f"{page.path}?{urlencode({'entity': entity, 'id': id})}",
    )
    return console.confirm(request, asked)


@router.post(f"{page.path}/forget")
def forget(
    request: Request,
    console: Here,
    entity: Annotated[str, Form(max_length=100)],
    id: Annotated[str, Form(max_length=256)],
) -> Response:
    """Forget an entity, and say what was erased."""
    workspace = console.workspace
    target = queries.find(workspace, entity, id)
    done = queries.forget(target, workspace.clock())
    console.tiles.clear()
    labelling.begin_anew(request)
    return console.page(request, "forgotten.html", subject=target.subject, done=done)


def _labels(workspace: Workspace, known: Known) -> list[str]:
    """The labels that the models of a life predict, in the order of their manifests where these lie here."""
    from slipway.models.prediction.labels import bundled_outputs

    made = {(each.prediction.model, each.prediction.version) for each in known.chapters}
    stated = bundled_outputs(workspace.config(), workspace.root)
    outputs = [stated.get(key) for key in sorted(made)]
    return list(dict.fromkeys(label for each in outputs if each and each.labels for label in each.labels))
