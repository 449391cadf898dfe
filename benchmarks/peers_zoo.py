"""What a finished run can do, for `benchmarks/peers.py`, which runs this file: JOB RUN."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package


def main() -> None:
    """Predict from files and explain one image; print one line of JSON."""
    import zoo
    from zoo.base.environment import versions

    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    run = zoo.open_run(Path(sys.argv[2]))
    distinct = list(dict.fromkeys(path for path, _ in job["validation"]))[: job["predicted"]]
    list(zoo.predict(distinct[:32], run))  # what is made once a process is not counted
    begun = time.perf_counter()
    answers = list(zoo.predict(distinct, run))
    predicted = time.perf_counter() - begun
    cases = zoo.explain(distinct[:3], run, methods=["gradcam"], trust=False)
    next(cases)
    begun = time.perf_counter()
    next(cases)
    known = versions()
    result = {
        "versions": {name: known[name] for name in ("xray-zoo", "keras", "tensorflow")},
        "images_s": len(answers) / predicted,
        "heat_map_s": time.perf_counter() - begun,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
