"""All fuzz targets."""

from fuzz.target import Target
from fuzz.targets import data, models, networks, settings

TARGETS: dict[str, Target] = {
    target.name: target for part in (data, models, networks, settings) for target in part.TARGETS
}
"""By name, in the order in which they are listed."""
