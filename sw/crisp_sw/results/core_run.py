"""What the simulated core measured for a packed network: the ``rtl.json`` of a demo or a cosimulation."""

from dataclasses import dataclass

from crisp_files.documents import Document
from crisp_sw.results.layers import RtlLayer


@dataclass(frozen=True, kw_only=True)
class CoreRun(Document, schema="crisp-core-run", version=1):
    """Every layer of a packed network on the simulated core, one after another.

    Attributes
    ----------
    preset : of the core.
    sim : the simulator.
    layers : those that ran.
    """

    preset: str
    sim: str
    layers: tuple[RtlLayer, ...]
