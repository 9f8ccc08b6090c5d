"""Models of what talks to other machines: the functions that send and fetch, where to, and what is sent."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydepgate.source.texts import shape_of
from pydepgate.source.values import NOTHING, Value

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite

_VENDORED: Final = ("pip._vendor.", "botocore.vendored.", "six.moves.", "future.moves.", "requests.packages.")

_HTTP_VERBS: Final = frozenset("get post put patch delete head options request stream send fetch ws_connect".split())
_METHOD_FIRST: Final = frozenset(("request", "stream"))
"""Methods of HTTP clients that take the HTTP method before the address."""

_HTTP_CLIENTS: Final = frozenset(
    """requests requests.Session() requests.session() requests.sessions.Session() requests.api requests.sessions
    httpx httpx.Client() httpx.AsyncClient() aiohttp aiohttp.ClientSession() aiohttp.client.ClientSession()
    urllib3 urllib3.PoolManager() urllib3.ProxyManager() urllib3.poolmanager.PoolManager()
    cloudscraper cloudscraper.create_scraper() cloudscraper.CloudScraper() grequests requests_html.HTMLSession()
    requests_html.AsyncHTMLSession() curl_cffi.requests curl_cffi.requests.Session()
    curl_cffi.requests.AsyncSession() tls_client.Session() primp.Client() niquests niquests.Session()
    requests_futures.sessions.FuturesSession() requests_toolbelt.sessions.BaseUrlSession() hrequests treq asks
    tornado.httpclient.HTTPClient() tornado.httpclient.AsyncHTTPClient() httplib2.Http() mechanize.Browser()
    requests_oauthlib.OAuth1Session() requests_oauthlib.OAuth2Session() noble_tls.Session()""".split()
)

HTTP: Final = "http"
SOCKET: Final = "socket"
DNS: Final = "dns"
MAIL: Final = "mail"
FILES: Final = "ftp"
CHAT: Final = "chat"

_OPENERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        """urllib.request.urlopen urllib.request.urlretrieve urllib.urlopen urllib.urlretrieve urllib2.urlopen
        urllib.request.build_opener().open urllib2.build_opener().open urllib.request.OpenerDirector().open
        urllib.request.URLopener().open urllib.request.URLopener().retrieve urllib.request.FancyURLopener().retrieve
        http.client.HTTPConnection http.client.HTTPSConnection httplib.HTTPConnection httplib.HTTPSConnection
        httplib2.Http().request pycurl.Curl wget.download xmlrpc.client.ServerProxy xmlrpclib.ServerProxy
        requests.Request urllib3.connectionpool.HTTPSConnectionPool urllib3.HTTPSConnectionPool
        urllib3.HTTPConnectionPool suds.client.Client zeep.Client git.Repo.clone_from git.Git().clone
        git.repo.base.Repo.clone_from pygit2.clone_repository dulwich.porcelain.clone""".split(),
        HTTP,
    ),
    **dict.fromkeys(
        """socket.create_connection socket.socket().connect socket.socket().connect_ex socket.socket().sendto
        ssl.wrap_socket().connect ssl.SSLContext().wrap_socket().connect
        ssl.create_default_context().wrap_socket().connect
        asyncio.open_connection telnetlib.Telnet telnetlib.Telnet().open
        paramiko.SSHClient().connect paramiko.client.SSHClient().connect paramiko.Transport
        asyncssh.connect fabric.Connection websocket.create_connection
        websocket.WebSocket().connect websocket.WebSocketApp websockets.connect websockets.client.connect
        websockets.sync.client.connect socketio.Client().connect socketio.AsyncClient().connect grpc.insecure_channel
        grpc.secure_channel pwn.remote rpyc.connect zmq.Context().socket().connect
        paho.mqtt.client.Client().connect paho.mqtt.client.Client().connect_async paho.mqtt.publish.single
        paho.mqtt.publish.multiple pika.ConnectionParameters redis.Redis redis.StrictRedis""".split(),
        SOCKET,
    ),
    **dict.fromkeys(
        """socket.gethostbyname socket.gethostbyname_ex socket.getaddrinfo dns.resolver.resolve dns.resolver.query
        dns.resolver.Resolver().resolve dns.resolver.Resolver().query aiodns.DNSResolver().query
        dns.query.udp dns.query.https""".split(),
        DNS,
    ),
    **dict.fromkeys("smtplib.SMTP smtplib.SMTP_SSL yagmail.SMTP aiosmtplib.send".split(), MAIL),
    **dict.fromkeys("ftplib.FTP ftplib.FTP_TLS ftplib.FTP().connect pysftp.Connection".split(), FILES),
    **dict.fromkeys(
        """dhooks.Webhook discord_webhook.DiscordWebhook discord_webhook.AsyncDiscordWebhook discordwebhook.Discord
        discord.SyncWebhook.from_url discord.Webhook.from_url discord.webhook.Webhook.from_url
        discord.webhook.SyncWebhook.from_url nextcord.SyncWebhook.from_url disnake.SyncWebhook.from_url
        dislog.DiscordWebhook slack_sdk.webhook.WebhookClient slack_webhook.Slack pymsteams.connectorcard
        telebot.TeleBot telegram.Bot telepot.Bot aiogram.Bot pyrogram.Client telethon.TelegramClient
        slack_sdk.WebClient slack.WebClient discord.Client().run discord.ext.commands.Bot().run discord.Bot().run
        nextcord.ext.commands.Bot().run disnake.ext.commands.Bot().run""".split(),
        CHAT,
    ),
}
"""Calls that reach another machine, or make the object that does with its first argument as the address."""

_CARRIERS: Final = frozenset(
    """requests.Request urllib.request.Request urllib2.Request six.moves.urllib.request.Request
    http.client.HTTPConnection http.client.HTTPSConnection httplib.HTTPConnection httplib.HTTPSConnection""".split()
)
"""What makes an object that holds an address: the request comes later, and is recorded with what it was made with."""

_SENDERS: Final[Mapping[str, str]] = {
    "http.client.HTTPConnection().request": HTTP,
    "http.client.HTTPSConnection().request": HTTP,
    "httplib.HTTPConnection().request": HTTP,
    "httplib.HTTPSConnection().request": HTTP,
    **{
        f"{owner}.{method}": SOCKET
        for owner in (
            "socket.socket()",
            "socket.create_connection()",
            "ssl.wrap_socket()",
            "ssl.SSLContext().wrap_socket()",
            "ssl.create_default_context().wrap_socket()",
            "websocket.create_connection()",
            "websocket.WebSocket()",
            "websockets.connect()",
        )
        for method in ("send", "sendall", "send_binary")
    },
    **{
        f"smtplib.{server}().{method}": MAIL
        for server in ("SMTP", "SMTP_SSL")
        for method in ("sendmail", "send_message")
    },
    "yagmail.SMTP().send": MAIL,
    **{f"ftplib.{server}().{method}": FILES for server in ("FTP", "FTP_TLS") for method in ("storbinary", "storlines")},
    "paramiko.SSHClient().open_sftp().put": FILES,
    "pysftp.Connection().put": FILES,
    **{
        f"{owner}.{method}": CHAT
        for owner in (
            "telebot.TeleBot()",
            "telegram.Bot()",
            "telepot.Bot()",
            "aiogram.Bot()",
            "discord.SyncWebhook.from_url()",
            "discord.Webhook.from_url()",
            "discordwebhook.Discord()",
            "dhooks.Webhook()",
            "discord_webhook.DiscordWebhook()",
        )
        for method in (
            "send send_message sendMessage send_document sendDocument send_photo sendPhoto post execute add_file"
        ).split()
    },
    "socketio.Client().emit": SOCKET,
    "paho.mqtt.client.Client().publish": SOCKET,
    "websocket.WebSocketApp().send": SOCKET,
    "discord_webhook.DiscordWebhook().set_content": CHAT,
}
"""Methods that send what they are given over something that is connected already."""

_NOT_SENT: Final = frozenset(
    "timeout verify cert proxies proxy allow_redirects stream hooks context ssl follow_redirects".split()
)
"""Arguments of requests that stay on this machine."""

_CLIENT_WORDS: Final = ("session", "client", "http", "request", "scraper", "opener", "fetch", "urllib", "conn", "sess")
"""What the name of an object that makes requests is made of."""

_SURE_VERBS: Final = frozenset("post put request urlopen urlretrieve fetch patch stream".split())


@dataclass(frozen=True, slots=True)
class Request:
    """What a call sends, and where to.

    `kind`: by which means (`HTTP`, `SOCKET`, `DNS`, ...); `target`: the address as it is given, the empty value if the
    connection was made earlier; `sent`: the address and all that goes with it; `opens`: whether this call is what
    reaches the other machine, rather than sends more over a connection.
    """

    kind: str
    target: Value
    sent: tuple[Value, ...]
    opens: bool = True


@lru_cache(maxsize=4096)
def plain_name(name: str, /) -> str:
    """Return a resolved name without the prefix of the copy that another package carries."""
    for prefix in _VENDORED:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


@lru_cache(maxsize=4096)
def is_network_call(name: str, /) -> bool:
    """Whether a call of that resolved name talks to another machine."""
    name = plain_name(name)
    if name in _OPENERS:
        return True
    owner, _, verb = name.rpartition(".")
    return verb in _HTTP_VERBS and owner in _HTTP_CLIENTS


def might_request(name: str, /) -> bool:
    """Whether `request_of` may find a request in a call of that resolved name; quick, and right where it says no."""
    name = plain_name(name)
    verb = name.rpartition(".")[2]
    return name in _OPENERS or name in _SENDERS or verb in _HTTP_VERBS or verb in _SURE_VERBS or verb == "sendall"


def request_of(site: CallSite, /) -> Request | None:
    """Return what a call sends where, or None if it talks to nobody."""
    name = plain_name(site.name)
    owner, _, verb = name.rpartition(".")
    if (kind := _OPENERS.get(name)) is not None:
        position = len(site.args) - 1 if verb == "sendto" else 0
        return Request(kind, _address(site, max(position, 0)), _sent(site.args, site.keywords))
    if verb in _HTTP_VERBS and owner in _HTTP_CLIENTS:
        position = 1 if verb in _METHOD_FIRST else 0
        return Request(HTTP, _below_base(site, _address(site, position)), _sent(site.args, site.keywords))
    if (kind := _SENDERS.get(name)) is not None:
        target = _first_made_with(site.receiver) if site.receiver is not None else NOTHING
        return Request(kind, target, _sent(site.args, site.keywords), opens=kind == HTTP)
    return _by_shape(site, owner, verb)


def _address(site: CallSite, position: int) -> Value:
    """Return the argument that is the address, looking into a request object."""
    given = (
        site.args[position]
        if position < len(site.args) and not site.name.startswith("paho.mqtt.publish.")
        else next((site.keywords[key] for key in _ADDRESS_KEYWORDS if key in site.keywords), NOTHING)
    )
    made = _first_made_with(given) if given.name.endswith("Request()") else NOTHING
    return made if made is not NOTHING else given


def _below_base(site: CallSite, target: Value) -> Value:
    """Return an address, or the one that a client was made with for all its requests where the given one is a path."""
    base = (site.receiver.made_with or {}).get("base_url") if site.receiver is not None else None
    return base if base is not None and address_text(target)[:1] in ("/", "") and target.text else target


_ADDRESS_KEYWORDS: Final = ("url", "host", "address", "uri", "webhook", "hostname", "fullurl", "endpoint", "token")


def _first_made_with(value: Value) -> Value:
    made = value.made_with or {}
    return next((made[key] for key in (0, *_ADDRESS_KEYWORDS) if key in made), NOTHING)


def _sent(args: Sequence[Value], keywords: Mapping[str, Value]) -> tuple[Value, ...]:
    return (*args, *(value for key, value in keywords.items() if key not in _NOT_SENT))


def _by_shape(site: CallSite, owner: str, verb: str) -> Request | None:
    """A method of an object that nothing is known of, but whose name and arguments leave no doubt."""
    if verb == "sendall" and len(site.args) == 1:
        return Request(SOCKET, NOTHING, site.args, opens=False)
    if verb not in _HTTP_VERBS and verb not in _SURE_VERBS:
        return None
    for value in (*site.args[:2], *(site.keywords[key] for key in ("url",) if key in site.keywords)):
        if not is_url(value):
            continue
        if verb in _SURE_VERBS or _looks_like_client(site.node.func):
            return Request(HTTP, value, _sent(site.args, site.keywords))
    return None


def _looks_like_client(func: ast.expr) -> bool:
    owner = func.value if isinstance(func, ast.Attribute) else None
    owner = owner.func if isinstance(owner, ast.Call) else owner
    shown = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return any(word in shown.lower() for word in _CLIENT_WORDS)


def is_url(value: Value, /) -> bool:
    """Whether a value, as far as it is known, is the address of something on the network."""
    return address_text(value)[:8].lower().startswith(("http://", "https://", "ws://", "wss://", "ftp://"))


def address_text(value: Value, /) -> str:
    """Return an address with a mark for each unknown part; empty if nothing is known. Of a pair, the host alone."""
    if isinstance(value.const, bytes):
        return value.const.decode("utf-8", "replace")
    parts = value.const if isinstance(value.const, tuple | list) else ()
    if parts:
        return parts[0] if isinstance(parts[0], str) else ""
    if value.items is not None and not value.pieces:
        return address_text(value.items[0]) if value.items else ""
    known = isinstance(value.const, str) or any(piece.known for piece in value.pieces)
    return shape_of(value) if known else ""


def port_of(value: Value, /) -> int | None:
    """Return the port of a `(host, port)` pair, if it is known."""
    parts = value.const if isinstance(value.const, tuple | list) else [v.const for v in value.items or ()]
    return parts[1] if len(parts) >= 2 and isinstance(parts[1], int) and not isinstance(parts[1], bool) else None
