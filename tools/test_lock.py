"""Every package that the project asks for has a locked version, one that the project accepts."""

import itertools
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.structure.packages import PROJECT


def test_the_lock_has_an_acceptable_version_of_every_declared_package():
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in locked.items()}
    assert len(versions) == len(lines) - 1 > 50
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    for requirement in map(Requirement, declared):
        name = canonicalize_name(requirement.name)
        if name != project["name"]:
            assert name in versions, name
            assert requirement.specifier.contains(versions[name], prereleases=True), requirement
