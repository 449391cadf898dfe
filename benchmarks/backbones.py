"""What each network of keras.applications costs as zoo builds it: parameters and multiply-adds.

    python benchmarks/backbones.py [PATTERN]

Weights are random: nothing is downloaded. The numbers stand in
`plugins/architectures/keras_applications/models.py`.
"""

from __future__ import annotations

import fnmatch
import sys

from zoo import build_network, load_registry
from zoo.network.cost import multiply_adds


def main(pattern: str = "keras:*") -> None:
    """Print a line for each architecture whose name fits."""
    import keras

    for name, architecture in load_registry().architectures.items():
        if fnmatch.fnmatch(name, pattern):
            random = {"weights": "none"} if "weights" in architecture.options else {}
            model = build_network(architecture, options=random)
            kind = type(model.get_layer("standardised")).__name__ if random else ""
            rows = model.get_layer("standardised").output.shape[1:] if random else ""
            print(name, model.count_params(), multiply_adds(model), kind, rows, flush=True)
            keras.backend.clear_session()


if __name__ == "__main__":
    main(*sys.argv[1:])
