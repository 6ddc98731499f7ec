"""Whether the RTL can be simulated here, found out before anything takes long."""

from crisp_sw.optional_packages import require_packages


def require_rtl() -> None:
    """Check that the packages are there that simulating the RTL needs.

    Raises
    ------
    MissingPackageError : one is not.
    """
    require_packages("cocotb", "find_libpython", purpose="simulating the RTL", extra="rtl")


def try_rtl(sim: str = "verilator") -> None:
    """See whether the RTL can be simulated here, by a model of a single wire.

    Raises
    ------
    CrispError : it cannot; says what is missing, or which tool failed.
    """
    require_rtl()
    from crisp_sim.runs.trial import try_simulator

    try_simulator(sim)
