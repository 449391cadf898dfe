"""The page Train: start a training, watch it, stop it, and go on with one that was stopped."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query
from starlette.responses import JSONResponse, RedirectResponse, Response

from zoo.base.errors import InvalidSetting, UnknownName, ZooError
from zoo.base.locks import is_held
from zoo.base.recipe import DEFAULT, PRESETS
from zoo.base.settings import input_shape
from zoo.base.sources import absolute
from zoo.runs.run_folder import Run
from zoo.training.recipe import settings
from zoo.web.app import listed_runs, templating
from zoo.web.app.rights import check_rights
from zoo.web.app.shared import LONGEST_SOURCE, Shared
from zoo.web.app.training_state import FINISHED, State, state_of_run, state_record
from zoo.web.app.trainings import Training, Trainings
from zoo.web.app.words import for_a_page
from zoo.web.service.bodies import Route

PAGE = "/train"
OF_RUN = f"{PAGE}/run"
"""Runs whose training was not started here."""
SHOWN = 12
TEXT = 200
FIELDS = {
    "architecture": "",
    "source": "",
    "preset": DEFAULT,
    "epochs": "",
    "size": "",
    "seed": "",
    "allow": "",
}

Text = Annotated[str, Form(max_length=TEXT)]
Asked = Annotated[str, Query(max_length=TEXT)]
Source = Annotated[str, Form(max_length=LONGEST_SOURCE)]
AskedSource = Annotated[str, Query(max_length=LONGEST_SOURCE)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    trainings = Trainings(shared.folder)
    architectures = sorted(shared.library.registry.architectures.values(), key=_ease)

    def form(given: dict[str, str], sentence: str = "", status: int = 200) -> Response:
        alive, unfinished = trainings.alive(), listed_runs.unfinished(shared, trainings)
        return templating.page(
            "train.html.j2",
            status=status,
            here=PAGE,
            given=given,
            sentence=for_a_page(sentence),
            architectures=[(one, settings(one, {})[0].epochs) for one in architectures],
            sources=shared.sources,
            presets=PRESETS,
            alive=alive,
            elsewhere=[one.run.name for one in unfinished if one.elsewhere],
            listed=[(training, trainings.state(training)) for training in trainings.all()[:SHOWN]],
            unfinished=unfinished,
        )

    @routes.get(PAGE)
    def overview(
        architecture: Asked = "",
        preset: Asked = DEFAULT,
        run: Asked = "",
        source: AskedSource = "",
    ) -> Response:
        """Show the form; another page may have filled in what to train next, on a run's data."""
        if run and (again := listed_runs.listed_run(shared, run)):
            known = {absolute(one): one for one in shared.sources}
            source = known.get(again.record["data"]["source"], source)
        asked = {**FIELDS, "architecture": architecture, "preset": preset, "source": source}
        try:
            if source:
                shared.source(source)
        except UnknownName as error:  # else another one would seem to be meant
            return form(asked, str(error), 404)
        return form(asked)

    @routes.post(PAGE, dependencies=[Depends(check_rights)])
    def start(
        architecture: Text = "",
        source: Source = "",
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
        if is_held(run.path):
            raise InvalidSetting(
                f"The run '{run.name}' is being trained by another process just now. Wait for "
                "that, or stop it where it was started."
            )
        arguments = ["train", "--resume", str(run.path), "--runs", str(shared.folder)]
        return to(trainings.start(f"{run.name}, resumed", arguments, run.name))

    def watched(title: str, address: str, state: State, stop: str = "") -> Response:
        return templating.page(
            "watch.html.j2",
            here=PAGE,
            title=title,
            address=address,
            stop=stop,
            state=state,
            finished=FINISHED,
            presets=PRESETS,
            others=sum(run.done for run in listed_runs.all_runs(shared)) > 1,
        )

    def seen(state: State) -> Response:
        return JSONResponse(dict(state_record(state)), headers=templating.PRIVATE)

    @routes.get(f"{OF_RUN}/{{name}}")
    def watch_run(name: str) -> Response:
        run = listed_runs.listed_run(shared, name)
        return watched(run.name, of_run(run), state_of_run(run, full=trainings.full))

    @routes.get(f"{OF_RUN}/{{name}}/state")
    def look_at_run(name: str) -> Response:
        run = listed_runs.listed_run(shared, name)
        return seen(state_of_run(run, full=trainings.full))

    @routes.get(f"{PAGE}/{{key}}")
    def watch(key: str) -> Response:
        training = trainings.find(key)
        address = f"{PAGE}/{training.id}"
        return watched(training.title, address, trainings.state(training), f"{address}/stop")

    @routes.get(f"{PAGE}/{{key}}/state")
    def look(key: str) -> Response:
        return seen(trainings.state(trainings.find(key)))

    @routes.post(f"{PAGE}/{{key}}/stop", dependencies=[Depends(check_rights)])
    def stop(key: str) -> Response:
        training = trainings.find(key)
        trainings.stop(training)
        return to(training)

    return routes


def command(shared: Shared, given: dict[str, str]) -> tuple[str, list[str]]:
    """Return a title and the arguments of `zoo train` for what a form says.

    Raises:
        ZooError: there is no such architecture, data set or preset, or a setting is out of range.
    """
    architecture = shared.library.registry.architecture(given["architecture"])
    source = shared.source(given["source"])
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


def of_run(run: Run) -> str:
    """Return the address where the training of a run is watched that was not started here."""
    return f"{OF_RUN}/{quote(run.name, safe='')}"


def to(training: Training) -> Response:
    """Send a browser to the page where a training is watched."""
    return RedirectResponse(f"{PAGE}/{training.id}", 303)


def _ease(architecture: Any) -> tuple[bool, bool, str]:
    """Put those first that need no download, and of these the ones with a trained backbone."""
    return not architecture.offline, not architecture.pretrained, architecture.name
