"""Secrets: what names them, what reads them, and where they are sent."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from pydepgate.detect.base import Detector, Sighting, View, path_of, words_of
from pydepgate.detect.destinations import drop_in
from pydepgate.regex import regex
from pydepgate.source.calls import CallSite
from pydepgate.source.exposure import brought, might_bring
from pydepgate.source.network import is_network_call
from pydepgate.source.secrets import (
    CAPTURE,
    KEY_PARAMETER,
    KINDS,
    SECRET,
    SHARED,
    THEFT,
    TOKEN_MARKS,
    TOKEN_SHAPE,
    kinds_named,
    kinds_of,
)
from pydepgate.source.texts import shape_of
from pydepgate.source.values import FILE, Value, content_taints

_MEANING: Final = {
    "browser": "a browser's passwords, cookies or history",
    "wallet": "a wallet of a cryptocurrency",
    "session": "the session of a chat program, a game or another program",
    "keys": "private keys of SSH, GnuPG or the like",
    "cloud": "credentials of a cloud, a registry or a tool",
    "env-file": "a .env file",
    "history": "the history of a shell",
    "system": "passwords or secrets of the system",
    "passwd": "the list of the system's users",
    "keychain": "a key ring of the system or a password manager",
    "wifi": "passwords of wireless networks",
    "metadata": "the metadata service of a cloud, which hands out credentials",
    "password-prompt": "a password, asked for by a window that looks like the system's",
}
_READ_MEANING: Final = {
    **_MEANING,
    "unprotected": "what Windows protects for its user (DPAPI), or a browser's key store",
    "keyring": "a password from the system's key ring",
    "variable": "an environment variable that is called a secret",
    "caller": "the source file of whoever called it",
}

SIGNALS: Final = {
    **{f"secret.path-{kind}": f"a text names where to find {_MEANING[kind]}" for kind in KINDS},
    **{f"secret.{kind}": f"reads {meaning}" for kind, meaning in _READ_MEANING.items()},
    "secret.search-words": "a list of words to find files by that are about money and passwords",
    "secret.home-search": "goes through all files of the home folder",
    "secret.account-probe": "a text names where an account's means of payment are asked for with its token",
    "secret.token-pattern": "a regular expression for the tokens of chat or game accounts",
    "flow.secret-to-network": "passwords, keys, cookies or wallets that were read are sent over the network",
    "flow.credentials-to-network": "credentials of tools, which the tools themselves send, are sent over the network",
    "flow.secret-variable-to-network": "an environment variable that is called a secret is sent over the network",
    "flow.secret-variables-to-network": "environment variables picked by names of secrets are sent over the network",
    "flow.signing-key-in-address": "a cloud's secret key from the environment stands in the address of a request",
    "flow.key-parameter-to-network": "the private key or recovery phrase that a caller passes is sent over the network",
    "flow.private-to-drop": "something private is sent to a webhook, a bot or a bare address",
    "flow.caller-source-to-network": "the source file of whoever called is sent over the network",
    "flow.file-to-drop": "a file is sent to a webhook, a bot or a bare address",
    "flow.secret-to-process": "what was read from a secret place is passed to a command",
    "flow.secret-to-archive": "files from a secret place are packed",
}

_PRIVATE: Final = THEFT | {"cloud", "metadata", "passwd", "caller", KEY_PARAMETER}
"""Kinds that nobody sends to a webhook or a bot; tokens are, for the address holds one."""

_SENDING_TAILS: Final = frozenset(
    """sendall sendto sendmail send_message storbinary storlines post upload upload_file upload_fileobj files_upload
    files_upload_v2 send_document send_photo send_file sendDocument sendPhoto sendMessage put_object add_file add_embed
    upload_from_filename urlopen""".split()
)
"""Methods that send what they are given, whatever object they belong to."""
_SENDERS: Final = frozenset(("socket.socket().send", "paramiko.SSHClient().open_sftp().put", "ssl.wrap_socket().send"))
_CLIENTS: Final = tuple(
    """discord. dhooks. discord_webhook. discordwebhook. telebot. telegram. aiogram. telethon. pyrogram. slack_sdk.
    dropbox. boto3. pymongo. mega. pydrive. yagmail. redmail. paho. matrix_client. vk_api.""".split()
)
"""Libraries whose objects send to one service; by methods with these verbs."""
_CLIENT_VERBS: Final = ("send", "upload", "put", "reply", "execute", "insert", "post", "publish", "files_upload")
_COMMANDS: Final = ("subprocess.", "os.system", "os.popen", "commands.", "asyncio.create_subprocess")
_SENDING_COMMAND: Final = regex(r"(?i)\b(?:curl|wget|nc|ncat|scp|rsync|ftp|invoke-webrequest|invoke-restmethod|iwr)\b")
_ARCHIVERS: Final = frozenset(("zipfile.ZipFile().write", "tarfile.open().add", "shutil.make_archive"))


def _concerns(name: str) -> bool:
    return name.startswith(_COMMANDS) or is_sending(name) or might_bring(name)


def _look(site: CallSite, view: View) -> Iterator[Sighting]:
    taints = brought(site)
    for kind in sorted(kinds_of(taints, SECRET) & _READ_MEANING.keys()):
        yield view.at_call(f"secret.{kind}", site, _shown(site, kind))
    given = [*site.args, *site.keywords.values()]
    private = {taint for value in given for taint in content_taints(value) if taint.startswith((SECRET, CAPTURE))}
    if site.name in _ARCHIVERS and kinds_of(taints, SECRET) & THEFT:
        yield view.at_call("flow.secret-to-archive", site, _shown(site, "archive"))
    if _searches_home(site):
        yield view.at_call("secret.home-search", site, site.name)
    if not private:
        if is_network_call(site.name) and any(FILE in content_taints(value) for value in given):
            yield from _dropped(site, given, view)
        return
    if site.name.startswith(_COMMANDS):
        kinds = kinds_of(private, SECRET)
        if kinds & (THEFT | SHARED):
            yield view.at_call("flow.secret-to-process", site, _way(site, given))
        if not _SENDING_COMMAND.search(_text(given)):
            return
    elif not is_sending(site.name):
        return
    yield from _sent(site, given, private, view)


def _dropped(site: CallSite, given: list[Value], view: View) -> Iterator[Sighting]:
    if drop := drop_in(_text(given)):
        yield view.at_call("flow.file-to-drop", site, f"{site.name}: {drop}")


def _searches_home(site: CallSite) -> bool:
    if site.name in ("os.walk", "os.scandir", "glob.glob", "glob.iglob"):
        return shape_of(site.argument(0, "top")).rstrip("/\\*") in _HOMES
    name = site.name.rpartition(".")[2]
    return name in ("rglob", "glob", "walk") and site.receiver is not None and shape_of(site.receiver) in _HOMES


_HOMES: Final = frozenset(("~", "{os.environ[HOME]}", "{os.environ[USERPROFILE]}"))


@lru_cache(maxsize=4096)
def is_sending(name: str, /) -> bool:
    """Whether a call of that resolved name sends its arguments to another machine."""
    tail = name.rpartition(".")[2]
    return (
        is_network_call(name)
        or name in _SENDERS
        or tail in _SENDING_TAILS
        or (tail == "request" and name.startswith(("http.client.", "httplib.")))
        or (name.startswith(_CLIENTS) and tail.startswith(_CLIENT_VERBS))
    )


def _sent(site: CallSite, given: list[Value], private: set[str], view: View) -> Iterator[Sighting]:
    kinds, captured = kinds_of(private, SECRET), kinds_of(private, CAPTURE)
    way = _way(site, given)
    if kinds & THEFT:
        yield view.at_call("flow.secret-to-network", site, f"{', '.join(sorted(kinds & THEFT))}: {way}")
    if kinds & SHARED:
        yield view.at_call("flow.credentials-to-network", site, f"{', '.join(sorted(kinds & SHARED))}: {way}")
    if "variable" in kinds:
        yield view.at_call("flow.secret-variable-to-network", site, way)
    if "variables" in kinds:
        yield view.at_call("flow.secret-variables-to-network", site, way)
    address = site.argument(0, "url")
    if f"{SECRET}signing-variable" in content_taints(address) and not _is_signed(address):
        yield view.at_call("flow.signing-key-in-address", site, way)
    if KEY_PARAMETER in kinds:
        yield view.at_call("flow.key-parameter-to-network", site, way)
    if "caller" in kinds:
        yield view.at_call("flow.caller-source-to-network", site, way)
    if (kinds & _PRIVATE or captured) and (drop := drop_in(_text(given))):
        yield view.at_call("flow.private-to-drop", site, f"{way}: {drop}")


def _is_signed(address: Value) -> bool:
    """Whether a value went through a hash: a signature made with a key is not the key."""
    return any(word in step.name for step in address.trail for word in ("hmac", "hashlib", "sign"))


def _way(site: CallSite, given: list[Value]) -> str:
    sent = next((v for v in given if any(t.startswith((SECRET, CAPTURE)) for t in content_taints(v))), given[0])
    return path_of(sent, site.name)


def _text(given: list[Value]) -> str:
    # a request that was made before carries its address in what it was made with
    inside = (part for value in given for part in list((value.made_with or {}).values())[:_MAX_MADE_WITH])
    return " ".join(word for value in (*given, *inside) for word in words_of(value))


_MAX_MADE_WITH: Final = 8


def _shown(site: CallSite, kind: str) -> str:
    words = "".join(word for value in site.args[:2] for word in words_of(value) if word != "?")
    return f"{site.name}: {words}" if words else f"{site.name} ({kind})"


def _look_at_node(node: ast.Constant | ast.List | ast.Tuple | ast.Set, function: str, view: View) -> Iterable[Sighting]:
    # said once more than needed, for most texts and lists are nothing, and there are many
    if isinstance(node, ast.Constant):
        return _of_text(node, function, view) if _names_of(node.value) else ()
    return _of_list(node, function, view) if len(node.elts) >= _MIN_SEARCHED else ()


def _of_list(node: ast.List | ast.Tuple | ast.Set, function: str, view: View) -> Iterator[Sighting]:
    parts = (part.value for part in node.elts[:_MAX_SEARCHED] if isinstance(part, ast.Constant))
    words = {part.lower() for part in parts if isinstance(part, str) and len(part) <= _MAX_WORD}
    wanted = words & _SEARCHED
    if len(wanted) >= _MIN_SEARCHED and len(wanted & _MONEY) >= _MIN_MONEY:
        line, column = view.place(node)
        evidence = (" ".join(sorted(wanted)[:_MIN_SEARCHED]),)
        yield Sighting("secret.search-words", line, column, function, view.roots_of(function), evidence)


_MONEY: Final = frozenset(
    """wallet metamask mnemonic seed seedphrase seed_phrase exodus electrum trezor ledger btc bitcoin crypto paypal bank
    binance coinbase atomic phantom keystore privatekey private_key privkey""".split()
) | {"seed phrase", "private key", "recovery phrase"}
_SEARCHED: Final = _MONEY | frozenset(
    """password passwords passwd pass passwort kennwort contraseña clave senha motdepasse пароль secret secrets token
    tokens login logins account accounts konto cuenta compte credential credentials 2fa mfa backup backups recovery code
    codes api key keys auth discord credit card vault""".split()
)
"""Words that files with passwords and keys are called by."""
_MIN_SEARCHED: Final = 4
_MIN_MONEY: Final = 2
_MAX_SEARCHED: Final = 200
_MAX_WORD: Final = 24


def _names_of(text: object) -> tuple[str, ...]:
    """Return the signals of a text."""
    if not isinstance(text, str) or len(text) < _MIN_TEXT:
        return ()
    names = [f"secret.path-{kind}" for kind in sorted(kinds)] if (kinds := kinds_named(text)) else []
    if len(text) <= _MAX_PATTERN:
        if any(mark in text for mark in TOKEN_MARKS) and TOKEN_SHAPE.search(text):
            names.append("secret.token-pattern")
        if "/" in text and _ACCOUNT_PROBE.search(text):
            names.append("secret.account-probe")
    return tuple(names)


def _of_text(node: ast.Constant, function: str, view: View) -> Iterator[Sighting]:
    text = node.value
    for name in _names_of(text):
        line, column = view.place(node)
        evidence = (text[:_MAX_SHOWN],) if isinstance(text, str) else ()
        yield Sighting(name, line, column, function, view.roots_of(function), evidence)


_ACCOUNT_PROBE: Final = regex(
    r"(?i)/users/@me/(?:billing|outbound-promotions|entitlements)|roblox\.com/(?:mobileapi/userinfo|v1/users/authenticated)"
    r"|minecraftservices\.com/minecraft/profile|/billing/payment-sources"
)
_MIN_TEXT: Final = 4
_MAX_PATTERN: Final = 300
_MAX_SHOWN: Final = 80

DETECTOR: Final = Detector(
    signals=SIGNALS,
    look_at_call=_look,
    concerns=_concerns,
    nodes=(ast.Constant, ast.List, ast.Tuple, ast.Set),
    look_at_node=_look_at_node,
)
