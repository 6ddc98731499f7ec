"""Text files that are there completely or not at all."""

import errno
import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> Path:
    """Write under a temporary name and rename, so that ``path``, which is returned, is never half written.

    A link stays: the file that it leads to is replaced.

    Raises
    ------
    OSError : it cannot be written, or is a device or the like, which a file would replace; ``filename`` is
        ``path``, or the directory that could not be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        code = errno.EISDIR if target.is_dir() else errno.EINVAL
        raise OSError(code, os.strerror(code), str(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path
