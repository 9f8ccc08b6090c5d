"""Wheels of ordinary code, made the same way every time."""

from __future__ import annotations

import random
from typing import Final

from fixtures.archives import wheel

BUSY_SHARE: Final = 5
"""One module in so many starts processes, asks the network or reads the environment, so that it has to be looked at."""

_NOUNS: Final = (
    "order customer invoice parcel route shelf ledger ticket report budget sensor window queue branch".split()
)
_VERBS: Final = "collect merge split rank describe balance assign sort check group trim scale align count".split()


def package(name: str, /, *, files: int, file_bytes: int) -> bytes:
    """Return a wheel of so many modules of about `file_bytes` bytes each, one in `BUSY_SHARE` of them busy."""
    members = {f"{name}/__init__.py": f'"""Keeps {name} in order."""\n\n__version__ = "1.0"\n'.encode()}
    for index in range(files - 1):
        module = _module(random.Random(index), file_bytes, busy=index % BUSY_SHARE == 0)
        members[f"{name}/part_{index // 50}/module_{index}.py"] = module.encode()
    return wheel(name, "1.0", members)


def _module(rng: random.Random, size: int, /, *, busy: bool) -> str:
    parts = [
        '"""Helpers for what the package keeps."""\n\nfrom __future__ import annotations\n\nimport json\nimport os\n'
    ]
    if busy:
        parts.append("import subprocess\nimport urllib.request\n")
    parts.append("from dataclasses import dataclass, field\nfrom pathlib import Path\n")
    makers = [_function, _function, _class, _table, *([_process, _request, _setting] if busy else [])]
    made = sum(map(len, parts))
    while made < size:
        part = rng.choice(makers)(rng, len(parts))
        parts.append(part)
        made += len(part)
    return "\n".join(parts)


def _function(rng: random.Random, number: int, /) -> str:
    verb, noun, other = rng.choice(_VERBS), rng.choice(_NOUNS), rng.choice(_NOUNS)
    return f'''
def {verb}_{noun}_{number}({noun}s, {other}=None, *, limit={rng.randrange(5, 500)}):
    """Return the {noun}s to {verb}, at most `limit` of them."""
    found = []
    for position, {noun} in enumerate({noun}s):
        if {noun} is None or position >= limit:
            continue
        weight = {noun}.get("weight", {rng.random():.3f}) * {rng.randrange(2, 90)}
        if {other} is not None and weight > {other}:
            found.append(({noun}["name"].strip().lower(), round(weight, 2)))
    return sorted(found, key=lambda pair: pair[1], reverse={rng.random() < 0.5})
'''


def _class(rng: random.Random, number: int, /) -> str:
    noun, verb = rng.choice(_NOUNS), rng.choice(_VERBS)
    return f'''
@dataclass
class {noun.title()}{number}:
    """One {noun} and what belongs to it."""

    name: str
    size: int = {rng.randrange(1, 9000)}
    labels: list = field(default_factory=list)

    def {verb}(self, other):
        """Return a new one of both."""
        if not isinstance(other, type(self)):
            raise TypeError(f"cannot {verb} {{type(other).__name__}}")
        return type(self)(self.name or other.name, self.size + other.size, [*self.labels, *other.labels])

    def save(self, folder):
        """Write it as JSON, and return where."""
        path = Path(folder, os.fspath(self.name) + ".json")
        path.write_text(json.dumps({{"name": self.name, "size": self.size}}), encoding="utf-8")
        return path
'''


def _table(rng: random.Random, number: int, /) -> str:
    lines = "".join(
        f'    "{rng.choice(_NOUNS)}-{n}": ({rng.randrange(10**6)}, "{rng.choice(_VERBS)} the {rng.choice(_NOUNS)}"),\n'
        for n in range(rng.randrange(4, 14))
    )
    return f"\n_TABLE_{number} = {{\n{lines}}}\n"


def _process(rng: random.Random, number: int, /) -> str:
    return f'''
def revision_{number}(folder):
    """Return the revision of the checkout, or an empty string."""
    command = ["git", "rev-parse", "--short={rng.randrange(7, 12)}", "HEAD"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
'''


def _request(rng: random.Random, number: int, /) -> str:
    return f'''
def fetch_{rng.choice(_NOUNS)}_{number}(base, key):
    """Return the answer of the service for the key."""
    with urllib.request.urlopen(f"{{base}}/v{rng.randrange(1, 4)}/{{key}}", timeout={rng.randrange(5, 60)}) as answer:
        return json.loads(answer.read())
'''


def _setting(rng: random.Random, number: int, /) -> str:
    noun = rng.choice(_NOUNS)
    return f'''
def {noun}_setting_{number}():
    """Return the setting of the environment."""
    return int(os.environ.get("{noun.upper()}_LIMIT", "{rng.randrange(10, 1000)}"))
'''
