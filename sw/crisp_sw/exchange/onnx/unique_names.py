"""Names that never collide."""

Key = tuple[str, ...]


class UniqueNames:
    """Gives each thing the name that it wants, with a number behind it where another one has it already."""

    def __init__(self):
        self._names: dict[Key, str] = {}
        self._taken: set[str] = set()

    def of(self, key: Key, wanted: str = "") -> str:
        """The name of what ``key`` stands for, always the same; without a wish it is the key with slashes."""
        if key not in self._names:
            name = wanted = wanted or "/".join(key)
            number = 1
            while name in self._taken:
                number += 1
                name = f"{wanted}_{number}"
            self._taken.add(name)
            self._names[key] = name
        return self._names[key]
