"""Packages that only some steps need: tried before anything that takes long, so that none is missed late."""

from importlib import import_module

from crisp_spec.errors import CrispError


class MissingPackageError(CrispError):
    """A package that a step needs is not installed, or does not work."""


def require_packages(*names: str, purpose: str, extra: str) -> None:
    """Import packages.

    Parameters
    ----------
    purpose : what needs them; begins the message, so a singular.
    extra : of this package, that brings them.

    Raises
    ------
    MissingPackageError : one cannot be imported.
    """
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            raise MissingPackageError(
                f"{purpose} needs the package {name}, which is not installed or does not work ({error}); "
                f"expected: pip install 'crisp-stc[{extra}]'"
            ) from error
