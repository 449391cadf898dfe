"""MLflow, as trainings are told to it: on a server, or in a database beside the runs.

It is imported when somebody asks for it. Nothing is sent but to the address that is named; MLflow's
own telemetry is switched off.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo.base.errors import InvalidSetting, Unreachable, ZooError, in_a_line
from zoo.base.locks import in_turn

FOLDER = ".mlflow"
"""In the folder of the runs: the database and what belongs to it, where no server is named."""
EXPERIMENT = "xray-zoo"
BATCH = 100
"""Parameters that MLflow takes at a time."""
LONGEST = 500
"""Letters of a parameter; newer servers take more."""
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}
"""What MLflow is told unless the user has said otherwise: a training must not wait for minutes."""


class Store:
    """Where runs are tracked. Each method raises `Unreachable` when it does not answer."""

    def __init__(self, root: Path) -> None:
        """Name the place: MLFLOW_TRACKING_URI, or a database in the folder of the runs, `root`.

        Raises:
            InvalidSetting: MLflow is not installed.
        """
        if importlib.util.find_spec("mlflow") is None:
            raise InvalidSetting(
                "MLflow was asked for and is not installed. Install it: "
                "pip install 'xray-zoo[mlflow]'"
            )
        self._local = root.absolute() / FOLDER
        named = os.environ.get("MLFLOW_TRACKING_URI", "")
        self._uri = named or f"sqlite:///{(self._local / 'mlflow.db').as_posix()}"
        self._is_local = not named
        self._client: Any = None

    @property
    def address(self) -> str:
        """The address as it may be shown and kept: without a name and a password."""
        return self._uri.replace(self._credentials, "")

    @property
    def _credentials(self) -> str:
        """The name and the password in the address, with the sign behind them; '' for none."""
        person, sign, _ = urlsplit(self._uri).netloc.rpartition("@")
        return person + sign

    @property
    def way_to_look(self) -> str:
        """How a person sees what is there."""
        return f"mlflow ui --backend-store-uri {self.address}" if self._is_local else self.address

    def start(self, name: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> str:
        """Begin a run and return its id; the tag `mlflow.parentRunId` makes it one of another."""
        with self._asked() as client:
            from mlflow.entities import Param

            made = client.create_run(self._experiment(client), run_name=name, tags=dict(tags))
            run_id = str(made.info.run_id)
            kept = [Param(key, value[:LONGEST]) for key, value in parameters.items()]
            for start in range(0, len(kept), BATCH):
                client.log_batch(run_id, params=kept[start : start + BATCH])
            return run_id

    def go_on(self, run_id: str) -> int:
        """Say that a run goes on, and return the last epoch that is known there."""
        with self._asked() as client:
            client.update_run(run_id, status="RUNNING")
            return max((one.step for one in client.get_metric_history(run_id, "loss")), default=0)

    def log(self, run_id: str, figures: Mapping[str, float], step: int = 0) -> None:
        """Keep figures of a run, at an epoch or of the whole."""
        with self._asked() as client:
            from mlflow.entities import Metric

            now = int(time.time() * 1000)
            kept = [Metric(key, value, now, step) for key, value in figures.items()]
            client.log_batch(run_id, metrics=kept)

    def send(self, run_id: str, folder: Path, names: Sequence[str]) -> None:
        """Keep files of a folder, under the same names."""
        with self._asked() as client:
            for name in names:
                above = Path(name).parent.as_posix()
                client.log_artifact(run_id, str(folder / name), None if above == "." else above)

    def end(self, run_id: str, status: str) -> None:
        """Say that a run is FINISHED, FAILED or KILLED."""
        with self._asked() as client:
            client.set_terminated(run_id, status)

    def name_of(self, run_id: str) -> str:
        """Return what a run is called."""
        with self._asked() as client:
            return str(client.get_run(run_id).info.run_name)

    def fetch(self, run_id: str, folder: Path) -> None:
        """Write the files of a run into a folder."""
        with self._asked() as client:
            client.download_artifacts(run_id, "", str(folder))

    @contextlib.contextmanager
    def _asked(self) -> Iterator[Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # those of the libraries below MLflow
                yield self._opened()
        except ZooError:
            raise
        except Exception as error:  # each kind of store has errors of its own
            said = in_a_line(error).rstrip(".").replace(self._credentials, "")
            raise Unreachable(
                f"MLflow at '{self.address}' does not answer or refuses ({said}). Check "
                "MLFLOW_TRACKING_URI and that server."
            ) from error

    def _opened(self) -> Any:
        if self._client is None:
            for name, value in ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            from mlflow.tracking import MlflowClient

            logging.getLogger("mlflow").setLevel(logging.ERROR)  # its import sets another level
            if self._is_local:
                with in_turn(self._local):  # two that make the same tables would both fail
                    self._client = MlflowClient(self._uri)
            else:
                self._client = MlflowClient(self._uri)
        return self._client

    def _experiment(self, client: Any) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        place = (self._local / "artifacts").as_uri() if self._is_local else None
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except Exception:
            made = client.get_experiment_by_name(name)  # by another training, in between
            if made is None:
                raise
            return str(made.experiment_id)
