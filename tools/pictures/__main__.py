"""Writes the pictures of the documents: ``python -m tools.pictures``."""

from pathlib import Path

from crisp_files.atomic_files import write_text
from tools.pictures.data_flow import data_flow_picture
from tools.pictures.hardware import accelerator_picture, core_picture
from tools.pictures.packages import packages_picture

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
PICTURES = {
    "accelerator.svg": accelerator_picture,
    "core.svg": core_picture,
    "data-flow.svg": data_flow_picture,
    "packages.svg": packages_picture,
}
"""Each picture's file and the function that draws it."""


def main() -> None:
    """Draw all of them."""
    for name, draw in PICTURES.items():
        print(write_text(DOCUMENTS / name, draw().svg()))


if __name__ == "__main__":
    main()
