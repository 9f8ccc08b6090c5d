"""What passes between the rooms: frozen dataclasses, every one of which pickles.

Lines and columns are 1-based, columns count characters (not bytes), as editors show them.
Sizes are in bytes unless a name says otherwise. Offsets are 0-based byte offsets.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

MODULE_ROOT = "<module>"
"""What has to run for a file's own top level to run (see `Signal`)."""

MAIN_ROOT = "<main>"
"""What has to run for its main guard to run."""


class Severity(enum.IntEnum):
    """How bad a finding is; ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name that reports and options use: `critical`, `high`, ..."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str, /) -> Severity:
        """Return the severity of that name; raises `ValueError` for an unknown one."""
        try:
            return cls[label.upper()]
        except KeyError:
            raise ValueError(f"unknown severity {label!r}") from None


class Runs(enum.StrEnum):
    """When a piece of code runs, the earliest and least avoidable first."""

    STARTUP = "startup"
    INSTALL = "install"
    IMPORT = "import"
    ENTRY_POINT = "entry-point"
    MAIN_GUARD = "main-guard"
    CALL = "call"
    NEVER = "never"

    @property
    def rank(self) -> int:
        """0 for what runs by itself at every start, rising to what never runs."""
        return _RUN_ORDER[self]


_RUN_ORDER: Mapping[Runs, int] = {runs: rank for rank, runs in enumerate(Runs)}


class Verdict(enum.StrEnum):
    """The answer for one artifact."""

    PASS = "pass"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def exit_status(self) -> int:
        """The exit status of a scan that ends with this verdict."""
        return {"pass": 0, "review": 1, "block": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader must know that is no finding: what was cut, skipped or unreadable.

    `code` is stable and short (`limit.members`, `member.unreadable`, `source.syntax`, ...);
    `message` is one sentence; `file` is the member's path, empty for the artifact as a whole.
    """

    code: str
    message: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """What was opened. `kind` is one of `wheel`, `sdist`, `egg`, `directory`, `installed`,
    `python`, `pth`, `zip`, `tar`, `file`. `name` and `version` come from the metadata inside
    (empty if there is none); `sha256` is that of the file (empty for what is not one file)."""

    path: str
    kind: str
    name: str = ""
    version: str = ""
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an artifact. `path` has forward slashes; a member of an archive inside the
    archive is `outer.zip!/inner.py`. `data` is the content, cut short where `size` is larger
    (an over-long member, or a native binary of which only the head was needed)."""

    path: str
    data: bytes
    size: int

    @property
    def complete(self) -> bool:
        """Whether `data` is the whole content."""
        return len(self.data) >= self.size


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoding step: the codec and how many bytes (or characters) went in and came out.
    `preview` holds the first bytes of what came out."""

    codec: str
    size_in: int
    size_out: int
    preview: bytes = b""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A telling piece of a payload. `kind` is one of `import`, `process`, `network`, `url`,
    `domain`, `ip`, `port`, `path`, `environment`, `token`, `webhook`, `pem`, `shell`, `encoding`, `exec`;
    `offset` is where it stands in the final content."""

    kind: str
    value: str
    offset: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal that may hide something. `form` says how it is written: `str`, `bytes`, `joined`,
    `int-list`, `docstring`, `comment`, `data-file`, `folded`, `raw`. `layers` are decodings that
    the code itself applies to it and that were already followed; `value` is what they gave.
    `length` is that of the literal as written (characters, bytes or items)."""

    value: str | bytes
    form: str
    line: int
    column: int
    length: int
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What a literal peels to.

    `line`, `column`: where the literal stands in its container (the file, or the parent payload);
    0 where the container has no lines. `member`: the path inside a parent archive, else empty.
    `form`, `length`: of the literal (see `Literal`). `layers`: outermost first. `final`: the kind of the
    final content (`python-source`, `pe`, `rsa-public-key`, ...), with `detail` for people (`4096 bits`).
    `size`, `sha256`, `preview`: of the final content. `content` is the final content itself, kept only
    when extraction was asked for. `stopped`: why peeling ended early, else empty. `signals`: names of
    the signals that analysing the content raised, children's included.
    """

    line: int
    column: int
    form: str
    length: int
    layers: tuple[Layer, ...]
    final: str
    size: int
    sha256: str
    preview: bytes
    detail: str = ""
    member: str = ""
    indicators: tuple[Indicator, ...] = ()
    children: tuple[Payload, ...] = ()
    signals: frozenset[str] = frozenset()
    stopped: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A small fact with a place. `name` is dotted (`flow.decode-to-exec`).

    `roots` names what has to run for it to happen, within its file: `<module>` (the file's own
    top level), `<main>` (its main guard), or the qualified name of a function that nothing at the
    top level calls. `function` is the qualified name of the function it stands in (empty at the top level).
    """

    name: str
    file: str
    line: int
    column: int
    function: str = ""
    roots: frozenset[str] = frozenset((MODULE_ROOT,))
    evidence: tuple[str, ...] = ()
    payload: Payload | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A dotted name that code uses, with its leading dots where it is relative, `()` for a call's result.

    `function` and `roots` say what has to run for that, as in `Signal`.
    """

    name: str
    function: str = ""
    roots: frozenset[str] = frozenset((MODULE_ROOT,))


@dataclass(frozen=True, slots=True)
class Passed:
    """That a function is passed to one that may be another file's.

    `name`, `function` and `roots` as in `Use`; `place`: which argument it is, by position or by keyword; `given`: the
    function, by its name, or, after a colon, by its qualified name in the same file. `otherwise`: whether it counts as
    called then and there if the artifact does not hold what it is passed to.
    """

    name: str
    place: int | str
    given: str
    function: str
    roots: frozenset[str]
    otherwise: bool


@dataclass(frozen=True, slots=True)
class Onward:
    """That `function` of a file calls what it was given, or, if there is a `name`, passes it on to what that names, at
    that place among the arguments."""

    function: str
    name: str = ""
    place: int | str = 0


@dataclass(frozen=True, slots=True)
class Handed:
    """What is passed to a function that may be another file's, and matters to those who passed it.

    `name`, `function` and `roots` as in `Use`; `kinds`: what it is, as signals call it; `host`: the one that is written
    in the source and passed along, or that the object was made with; else empty. `line`, `column`: of the call.
    """

    name: str
    function: str
    roots: frozenset[str]
    kinds: frozenset[str]
    host: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Given:
    """What a name of a module gives to others: `kinds` of what it holds or returns that tell something, and `names`,
    as in `Use`, of what may be another file's in turn."""

    kinds: frozenset[str]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SetupCall:
    """What a `setup()` call of a setup script is given, as far as it is constant.

    `commands`: names of the classes that an installer runs, those of the file itself after a colon; `others`: the
    same of the commands that no installation runs (`upload`, `test`). `entry_points`: pairs of group and
    `module:function`. `scripts`: paths. `folders`: pairs of a package's name (empty for all) and its folder.
    """

    commands: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    entry_points: tuple[tuple[str, str], ...] = ()
    scripts: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """What ties a file to the others of its artifact.

    `imports`: modules, and what is imported from them. `calls`: functions and classes that may be another file's,
    called or handed to what calls them. `starts`: files that are run as programs, by the end of their paths, or, after
    `-m `, by module; `loads`: those run as modules. `functions`: qualified names of all functions.
    `inner`: which of them each function calls. `names`: what the names of the module stand for, `:name` being
    the file's own; `bases`: the same for the bases of its classes. `stars`: modules of `from m import *`.
    `hooks`: qualified names of the classes, and of functions put into them, that an installer runs. `handed`: what of
    importance is passed to functions that may be another file's. `passed`: functions that are. `onward`: what becomes
    of functions that the file's own are given, by the qualified name of these and the place of the parameter: its
    position without `self`, or its name, `*` and `**` for the rest of either. `gives`: what names, functions and
    methods of the module give; `takes`: by use (executed, started, sent, or `to ` and the name of a function that it is
    passed to), what is used so and may be another file's; `sinks`: which of these uses functions make of what they are
    given. `lent`: for functions and classes of the file, what may be another file's and is called with them, or
    decorates them; `callers`: functions that call what they are given.
    """

    imports: tuple[Use, ...] = ()
    calls: tuple[Use, ...] = ()
    starts: tuple[Use, ...] = ()
    loads: tuple[Use, ...] = ()
    functions: frozenset[str] = frozenset()
    inner: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    hooks: frozenset[str] = frozenset()
    setup: SetupCall = SetupCall()
    handed: tuple[Handed, ...] = ()
    passed: tuple[Passed, ...] = ()
    onward: Mapping[tuple[str, int | str], tuple[Onward, ...]] = field(default_factory=dict)
    gives: Mapping[str, Given] = field(default_factory=dict)
    takes: Mapping[str, Given] = field(default_factory=dict)
    sinks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lent: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    callers: frozenset[str] = frozenset()

    def merged(self, other: Links, /) -> Links:
        """Return the links of two pieces of code that both run: lines of a `.pth` file, members of one name."""
        if self == Links():
            return other
        return Links(
            imports=self.imports + other.imports,
            calls=self.calls + other.calls,
            starts=self.starts + other.starts,
            loads=self.loads + other.loads,
            functions=self.functions | other.functions,
            inner={
                name: self.inner.get(name, ()) + other.inner.get(name, ()) for name in {**self.inner, **other.inner}
            },
            names={**self.names, **other.names},
            bases={**self.bases, **other.bases},
            stars=self.stars + other.stars,
            hooks=self.hooks | other.hooks,
            setup=other.setup if self.setup == SetupCall() else self.setup,
            handed=self.handed + other.handed,
            passed=self.passed + other.passed,
            onward={
                place: self.onward.get(place, ()) + other.onward.get(place, ())
                for place in {**self.onward, **other.onward}
            },
            gives={**self.gives, **other.gives},
            takes={**self.takes, **other.takes},
            sinks={**self.sinks, **other.sinks},
            lent={**self.lent, **other.lent},
            callers=self.callers | other.callers,
        )


@dataclass(frozen=True, slots=True)
class FileFacts:
    """All that looking at one member gave; nothing of the member itself is kept.

    `links`: what ties it to other files. `kind`: `python`, `pth`, `data` or `native`. `text`: that of a metadata
    file (`entry_points.txt`, ...), else empty.
    `setup`: what a setup script says of the package, by core metadata field. `code_lines`: lines that are neither empty
    nor a comment. `format`: the binary format of
    what is not text.
    """

    path: str
    kind: str
    size: int
    analysed: bool = False
    signals: tuple[Signal, ...] = ()
    links: Links = Links()
    notes: tuple[Note, ...] = ()
    text: str = ""
    setup: tuple[tuple[str, tuple[str, ...]], ...] = ()
    code_lines: int = 0
    format: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to worry: a rule that matched, where, and when that code runs."""

    rule: str
    title: str
    severity: Severity
    runs: Runs
    file: str
    line: int
    column: int
    message: str
    evidence: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()
    payload: Payload | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of one scan; `seconds` is the only figure that differs between two scans of a file."""

    files: int = 0
    bytes: int = 0
    analysed: int = 0
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The answer for one artifact: findings sorted worst first, then by place."""

    artifact: ArtifactInfo
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    stats: Stats = Stats()
