"""Models of the library functions that values pass through: decoders, ciphers, and what brings data in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from pydepgate.model import Layer
from pydepgate.payload.codecs import CODECS, CodecError
from pydepgate.payload.codecs.symmetric import aes_cbc_decrypt, aes_ctr, aes_ecb_decrypt, fernet_decrypt
from pydepgate.source.bounds import Work
from pydepgate.source.host import CHAT_MESSAGE, fact_of
from pydepgate.source.network import is_network_call
from pydepgate.source.values import (
    DECODED,
    ENVIRON,
    FILE,
    INPUT,
    NETWORK,
    NOTHING,
    PACKAGED,
    Origin,
    Step,
    Value,
    derive,
)

DECODERS: Final[Mapping[str, str]] = {
    "base64.b64decode": "base64",
    "base64.standard_b64decode": "base64",
    "base64.urlsafe_b64decode": "base64",
    "base64.decodebytes": "base64",
    "base64.decodestring": "base64",
    "base64.b32decode": "base32",
    "base64.b32hexdecode": "",
    "base64.b16decode": "hex",
    "base64.a85decode": "ascii85",
    "base64.b85decode": "base85",
    "base64.z85decode": "",
    "binascii.a2b_base64": "base64",
    "binascii.a2b_hex": "hex",
    "binascii.unhexlify": "hex",
    "binascii.a2b_qp": "quoted-printable",
    "binascii.a2b_uu": "uuencode",
    "builtins.bytes.fromhex": "hex",
    "builtins.bytearray.fromhex": "hex",
    "quopri.decodestring": "quoted-printable",
    "urllib.parse.unquote": "percent",
    "urllib.parse.unquote_plus": "percent",
    "urllib.parse.unquote_to_bytes": "percent",
    "urllib.unquote": "percent",
    "html.unescape": "",
    "zlib.decompress": "zlib",
    "zlib.decompressobj().decompress": "zlib",
    "gzip.decompress": "gzip",
    "bz2.decompress": "bz2",
    "lzma.decompress": "xz",
    "brotli.decompress": "",
    "marshal.loads": "",
    "marshal.load": "",
    "pickle.loads": "",
    "pickle.load": "",
    "dill.loads": "",
    "cloudpickle.loads": "",
    "cPickle.loads": "",
    "codecs.decode": "",
    "codecs.getdecoder()": "",
    "uu.decode": "",
}
"""Functions that decode, and the codec that does the same; an empty codec is one that is not followed."""

_CIPHERS: Final = frozenset(("fernet", "aes-cbc", "aes-ctr", "aes-ecb"))
_DECODE: Final = {codec.name: codec.decode for codec in CODECS}
_TEXT_RESULT: Final = frozenset(("urllib.parse.unquote", "urllib.parse.unquote_plus", "urllib.unquote"))

_CODECS_DECODE: Final[Mapping[str, str]] = {
    "base64": "base64",
    "base-64": "base64",
    "base64-codec": "base64",
    "hex": "hex",
    "hex-codec": "hex",
    "zlib": "zlib",
    "zip": "zlib",
    "zlib-codec": "zlib",
    "bz2": "bz2",
    "bz2-codec": "bz2",
    "rot13": "rot13",
    "rot-13": "rot13",
    "uu": "uuencode",
    "uu-codec": "uuencode",
    "quopri": "quoted-printable",
    "unicode-escape": "escape",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16",
    "utf-16le": "utf-16",
}

_DECODING_TAILS: Final = frozenset(
    """b64decode standard_b64decode urlsafe_b64decode b32decode b16decode a85decode b85decode unhexlify decompress
    decrypt b64_decode deobfuscate unmarshal fromhex""".split()
)

_SOURCES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("os.environ", "os.environb"), ENVIRON),
    **dict.fromkeys(
        """builtins.open io.open codecs.open pathlib.Path().open pathlib.Path().read_text pathlib.Path().read_bytes
        linecache.getlines linecache.getline io.FileIO os.fdopen fileinput.input PIL.Image.open wave.open
        zipfile.ZipFile().read""".split(),
        FILE,
    ),
    **dict.fromkeys(
        """pkgutil.get_data importlib.resources.read_text importlib.resources.read_binary importlib.resources.open_text
        importlib.resources.open_binary pkg_resources.resource_string pkg_resources.resource_stream""".split(),
        PACKAGED,
    ),
    **dict.fromkeys(("builtins.input", "sys.argv", "sys.stdin"), INPUT),
    **dict.fromkeys(
        """imaplib.IMAP4().fetch imaplib.IMAP4_SSL().fetch imaplib.IMAP4().uid imaplib.IMAP4_SSL().uid
        poplib.POP3().retr poplib.POP3_SSL().retr redis.Redis().pubsub().listen redis.StrictRedis().pubsub().listen
        redis.Redis().pubsub().get_message redis.Redis().blpop redis.Redis().lpop kafka.KafkaConsumer
        zmq.Context().socket().recv zmq.Context().socket().recv_string zmq.Context().socket().recv_json
        paho.mqtt.subscribe.simple""".split(),
        CHAT_MESSAGE,
    ),
}


DOWNLOADS: Final[Mapping[str, tuple[int, str]]] = {
    "urllib.request.urlretrieve": (1, "filename"),
    "urllib.urlretrieve": (1, "filename"),
    "urllib.request.URLopener().retrieve": (1, "filename"),
    "urllib.request.FancyURLopener().retrieve": (1, "filename"),
    "six.moves.urllib.request.urlretrieve": (1, "filename"),
    "wget.download": (1, "out"),
    "gdown.download": (1, "output"),
    "torch.hub.download_url_to_file": (1, "dst"),
    "ctypes.windll.urlmon.URLDownloadToFileW": (2, "szFileName"),
    "ctypes.windll.urlmon.URLDownloadToFileA": (2, "szFileName"),
}
"""Functions that download to a file, and which argument its path is."""


_READ_TAILS: Final = (".read_text", ".read_bytes", "loader__.get_data", "loader.get_data")
"""Methods that read a file, of whatever stands for it."""


@lru_cache(maxsize=4096)
def source_taint(name: str, /) -> str:
    """Return the taint of what a call, or an attribute, of that resolved name brings in; empty for most."""
    known = _SOURCES.get(name) or fact_of(name)
    if known:
        return known
    if name.endswith(_READ_TAILS):
        return FILE
    return NETWORK if is_network_call(name) or name.startswith("socket.socket().recv") else ""


@lru_cache(maxsize=4096)
def might_decode(name: str, /) -> bool:
    """Whether `decode_call` may know a function of that resolved name."""
    return name in DECODERS or name.endswith(".decrypt") or name.rpartition(".")[2] in _DECODING_TAILS


def decode_call(
    name: str, args: Sequence[Value], keywords: Mapping[str, Value], line: int, /, *, work: Work
) -> Value | None:
    """Return what a decoder or decipherer of that resolved name gives, or None if it is none.

    Where codec, key and data are constants the result is decoded, with its layer; elsewhere it carries the taint alone.
    """
    if not args and not keywords:
        return None
    step = Step(name.removeprefix("builtins."), line)
    if name in DECODERS:
        data = args[0] if args else next(iter(keywords.values()))
        codec = DECODERS[name]
        if name == "codecs.decode":
            chosen = args[1] if len(args) > 1 else keywords.get("encoding")
            codec = _CODECS_DECODE.get(chosen.text.lower().replace("_", "-"), "") if chosen else ""
        if name == "zlib.decompress" and _window_bits(args, keywords) < 0:
            codec = "deflate"
        if name in ("marshal.loads", "pickle.loads"):
            # what it would build is read from the bytes, by the peeler
            return _tainted(derive(data, const=data.const, step=step), name=f"{name}()")
        if name == "html.unescape":
            return None  # hides nothing, and what comes from the network is full of it
        as_text = name in _TEXT_RESULT or (name == "codecs.decode" and codec in ("rot13", "escape", "utf-16"))
        return decode_with(codec, data, step, work=work, as_text=as_text)
    if name.endswith(".decrypt") and args:
        return _decrypt(name, args, step, work)
    if name.rpartition(".")[2] in _DECODING_TAILS:
        return _tainted(derive(*args, *keywords.values(), step=step))
    return None


def decode_with(codec: str, data: Value, step: Step, /, *, work: Work, as_text: bool = False) -> Value:
    """Return `data` decoded with that codec where it is constant, else with the taint alone."""
    raw = to_bytes(data.const)
    if not codec or raw is None:
        return _tainted(derive(data, step=step))
    return _decoded(data, codec, lambda: _DECODE[codec](raw, work.limit), step, work, as_text=as_text)


def _decrypt(name: str, args: Sequence[Value], step: Step, work: Work) -> Value:
    # the receiver carries the arguments of its constructor in `made_with`
    receiver, *rest = args
    if not rest:
        return _tainted(derive(receiver, step=step))
    data, key = to_bytes(rest[0].const), to_bytes(_given(receiver, 0, "key").const)
    plain = _tainted(derive(rest[0], receiver, step=step))
    if data is None or key is None:
        return plain
    if name == "cryptography.fernet.Fernet().decrypt":
        return _decoded(rest[0], "fernet", lambda: fernet_decrypt(key, data, limit=work.limit), step, work)
    if name.endswith("AES.new().decrypt"):
        mode = _given(receiver, 1, "mode").name.rpartition(".")[2]
        iv = to_bytes(_given(receiver, 2, "iv", "IV").const)
        counter = _counter_block(receiver)
        if mode == "MODE_ECB":
            return _decoded(rest[0], "aes-ecb", lambda: aes_ecb_decrypt(key, data, limit=work.limit), step, work)
        if mode == "MODE_CBC" and iv is not None:
            return _decoded(rest[0], "aes-cbc", lambda: aes_cbc_decrypt(key, iv, data, limit=work.limit), step, work)
        if mode == "MODE_CTR" and counter is not None:
            return _decoded(rest[0], "aes-ctr", lambda: aes_ctr(key, counter, data, limit=work.limit), step, work)
    return plain


def _given(receiver: Value, *ways: int | str) -> Value:
    """Return an argument of the constructor that made an object, by whichever way it was given."""
    given = receiver.made_with or {}
    return next((given[way] for way in ways if way in given), NOTHING)


def _counter_block(receiver: Value) -> bytes | None:
    """Return the first counter block of AES-CTR: the nonce, then the initial value (PyCryptodome's arguments)."""
    nonce = to_bytes(_given(receiver, "nonce").const) or b""
    initial = _given(receiver, "initial_value").const
    if isinstance(initial, bytes):
        return nonce + initial
    number = initial if isinstance(initial, int) else 0
    room = _AES_BLOCK - len(nonce)
    return nonce + number.to_bytes(room, "big") if room > 0 and 0 <= number < 1 << 8 * room else None


_AES_BLOCK: Final = 16


def _decoded(
    data: Value, codec: str, decode: Callable[[], bytes], step: Step, work: Work, *, as_text: bool = False
) -> Value:
    raw = to_bytes(data.const) or b""
    work.left -= len(raw) >> 2 if codec in _CIPHERS else len(raw) >> 4
    if len(raw) > work.limit:
        return _tainted(derive(data, step=step))
    try:
        out = decode()
    except CodecError:
        return _tainted(derive(data, step=step))
    work.keep(out)
    value = derive(data, const=out.decode("utf-8", "surrogateescape") if as_text else out, step=step)
    layers = (
        *settle_layers(data),
        Layer(codec=codec, size_in=len(raw), size_out=len(out), preview=out[:256]),
    )
    return _tainted(value, layers=layers)


def settle_layers(value: Value, /) -> tuple[Layer, ...]:
    """Return the value's layers, its pending transformations made one."""
    out = to_bytes(value.const)
    codec = next((name for name in _TRANSFORMS if name in value.pending), "")
    if not codec or out is None:
        return value.layers
    size_in = value.layers[-1].size_out if value.layers else value.origin.length if value.origin else len(out)
    return (*value.layers, Layer(codec=codec, size_in=size_in, size_out=len(out), preview=out[:256]))


_TRANSFORMS: Final = ("xor", "shift", "alphabet", "reverse", "int-list", "char-list", "utf-16", "replace")
"""Which name a layer gets when several transformations made it, the most telling first."""


def to_bytes(const: object, /) -> bytes | None:
    """Return a string constant as bytes (UTF-8), or None for what is not one."""
    if isinstance(const, bytes):
        return const
    if isinstance(const, str):
        return const.encode("utf-8", "surrogatepass")
    return None


def _tainted(value: Value, /, *, name: str = "", layers: tuple[Layer, ...] | None = None) -> Value:
    return Value(
        const=value.const,
        name=name or value.name,
        taints=value.taints | {DECODED},
        origin=value.origin or (Origin(0, 0, 0, "folded") if value.known else None),
        layers=value.layers if layers is None else layers,
        pending=value.pending if layers is None else frozenset(),
        trail=value.trail,
    )


def _window_bits(args: Sequence[Value], keywords: Mapping[str, Value]) -> int:
    value = args[1] if len(args) > 1 else keywords.get("wbits")
    return value.const if value is not None and isinstance(value.const, int) else 15


STAR_IMPORTS: Final[Mapping[str, frozenset[str]]] = {
    "os": frozenset(
        "system popen execv execve execvp spawnl spawnv startfile environ getenv remove unlink path".split()
    ),
    "subprocess": frozenset("Popen run call check_call check_output getoutput getstatusoutput PIPE DEVNULL".split()),
    "base64": frozenset(name.partition(".")[2] for name in DECODERS if name.startswith("base64.")),
    "urllib.request": frozenset(("urlopen", "urlretrieve", "Request")),
    "winreg": frozenset(
        """OpenKey OpenKeyEx CreateKey CreateKeyEx SetValue SetValueEx DeleteValue HKEY_CURRENT_USER
        HKEY_LOCAL_MACHINE KEY_ALL_ACCESS KEY_SET_VALUE KEY_WRITE""".split()
    ),
    "shutil": frozenset("rmtree copy copy2 copyfile copytree move make_archive".split()),
    "ctypes": frozenset(("CDLL", "cdll", "windll", "WinDLL", "c_char", "CFUNCTYPE", "memmove")),
    "socket": frozenset(("socket", "create_connection", "gethostname", "gethostbyname")),
    "builtins": frozenset(("exec", "eval", "compile", "__import__", "getattr", "open")),
}
"""What `from MODULE import *` brings in, of the names that matter."""
