"""Runs one layer in SCALE-Sim and prints the wall time of that in seconds.

Executed by the interpreter of SCALE-Sim's own environment, which has nothing of this project.
Usage: run_layer.py FOLDER, with ``scale.cfg``, ``topology.csv`` and ``layout.csv`` in it.
"""

import os
import sys
import time

from scalesim.scale_sim import scalesim  # pyright: ignore[reportMissingImports]


def main() -> None:
    """Run the layer; SCALE-Sim writes its reports below the folder."""
    os.chdir(sys.argv[1])
    simulator = scalesim(
        save_disk_space=True,  # no traces, which would only cost time
        verbose=False,
        config="scale.cfg",
        topology="topology.csv",
        layout="layout.csv",
    )
    started = time.perf_counter()
    simulator.run_scale(top_path="reports")
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
