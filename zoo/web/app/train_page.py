"""The page Train: start a training, watch it, stop it, and go on with one that was stopped."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from zoo.base.errors import InvalidSetting, ZooError
from zoo.base.recipe import DEFAULT, PRESETS
from zoo.base.settings import input_shape
from zoo.base.sources import absolute
from zoo.training.recipe import settings
from zoo.web.app import listed_runs, templating
from zoo.web.app.shared import Shared
from zoo.web.app.trainings import FINISHED, Training, Trainings, state_record
from zoo.web.service.bodies import Route
from zoo.web.service.door import Refused
from zoo.web.service.security import user_of

PAGE = "/train"
SHOWN = 12
TEXT = 200
FIELDS = {
    "architecture": "",
    "source": "0",
    "preset": DEFAULT,
    "epochs": "",
    "size": "",
    "seed": "",
    "allow": "",
}

Text = Annotated[str, Form(max_length=TEXT)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    trainings = Trainings(shared.folder)
    architectures = sorted(shared.library.registry.architectures.values(), key=_ease)

    def form(
        given: dict[str, str], sentence: str = "", status: int = 200, *, may_train: bool = True
    ) -> Response:
        return templating.page(
            "train.html.j2",
            status=status,
            here=PAGE,
            given=given,
            sentence=sentence,
            architectures=[(one, settings(one, {})[0].epochs) for one in architectures],
            sources=shared.sources,
            presets=PRESETS,
            alive=trainings.alive(),
            listed=[(training, trainings.state(training)) for training in trainings.all()[:SHOWN]],
            unfinished=listed_runs.unfinished(shared, trainings),
            may_train=may_train,
        )

    @routes.get(PAGE)
    def overview(request: Request) -> Response:
        return form(FIELDS, may_train=user_of(request).may_train)

    @routes.post(PAGE, dependencies=[Depends(check_rights)])
    def start(
        architecture: Text = "",
        source: Text = "0",
        preset: Text = DEFAULT,
        epochs: Text = "",
        size: Text = "",
        seed: Text = "",
        allow: Text = "",
    ) -> Response:
        given = {
            "architecture": architecture,
            "source": source,
            "preset": preset,
            "epochs": epochs,
            "size": size,
            "seed": seed,
            "allow": allow,
        }
        try:
            title, arguments = command(shared, given)
            training = trainings.start(title, arguments)
        except ZooError as error:
            return form(given, str(error), 400)
        return to(training)

    @routes.post(f"{PAGE}/resume", dependencies=[Depends(check_rights)])
    def resume(name: Text = "") -> Response:
        run = listed_runs.listed_run(shared, name)
        if run.done:
            raise InvalidSetting(f"The run '{run.name}' is finished; there is nothing to resume.")
        arguments = ["train", "--resume", str(run.path), "--runs", str(shared.folder)]
        return to(trainings.start(f"{run.name}, resumed", arguments, run.name))

    @routes.get(f"{PAGE}/{{key}}")
    def watch(key: str) -> Response:
        training = trainings.find(key)
        state = trainings.state(training)
        return templating.page(
            "watch.html.j2", here=PAGE, training=training, state=state, finished=FINISHED
        )

    @routes.get(f"{PAGE}/{{key}}/state")
    def look(key: str) -> Response:
        state = trainings.state(trainings.find(key))
        return JSONResponse(dict(state_record(state)), headers=templating.PRIVATE)

    @routes.post(f"{PAGE}/{{key}}/stop", dependencies=[Depends(check_rights)])
    def stop(key: str) -> Response:
        training = trainings.find(key)
        trainings.stop(training)
        return to(training)

    return routes


def check_rights(request: Request) -> None:
    """Go on for those who may train.

    Raises:
        Refused: this user may not.
    """
    user = user_of(request)
    if not user.may_train:
        raise Refused(
            403,
            f"'{user.name}' may not train here. Whoever runs this application can allow it: "
            "zoo users add FILE NAME --may-train",
        )


def command(shared: Shared, given: dict[str, str]) -> tuple[str, list[str]]:
    """Return a title and the arguments of `zoo train` for what a form says.

    Raises:
        ZooError: there is no such architecture, data set or preset, or a setting is out of range.
    """
    architecture = shared.library.registry.architecture(given["architecture"])
    source = shared.source(int(given["source"]) if given["source"].isdecimal() else -1)
    changes: dict[str, Any] = {
        name: given[name].strip() for name in ("epochs", "seed") if given[name].strip()
    }
    settings(architecture, changes, given["preset"])
    arguments = ["train", architecture.name, "--data", absolute(source)]
    if given["preset"] != DEFAULT:
        arguments += ["--preset", given["preset"]]
    if size := given["size"].strip():
        input_shape(size)
        arguments += ["--input", size]
    for name, value in changes.items():
        arguments += [f"--{name}", value]
    if given["allow"]:
        arguments.append("--allow-findings")
    return f"{architecture.name} on {listed_runs.shown_source(source)}", [
        *arguments,
        "--runs",
        str(shared.folder),
    ]


def to(training: Training) -> Response:
    """Send a browser to the page where a training is watched."""
    return RedirectResponse(f"{PAGE}/{training.id}", 303)


def _ease(architecture: Any) -> tuple[bool, str]:
    """Put those first that need little data: the ones with a trained backbone."""
    return not architecture.pretrained, architecture.name
