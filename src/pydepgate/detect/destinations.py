"""Who is at the other end of a request, as far as its address says: what kind of host, never whether it is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydepgate.regex import regex
from pydepgate.source.texts import HOLE

SIGNALS: Final = {
    "network.webhook": "the address is a webhook or bot of a chat service, its secret included",
    "network.bot-api": "the address is the API of a chat service's bots",
    "network.out-of-band": "the address is of a service that shows who contacted it, or a tunnel to somebody's machine",
    "network.random-host": "a part of the host's name is a long random identifier",
    "network.paste": "the address is of a service where anybody stores files or text",
    "network.free-hosting": "the address is of a service that hosts for anybody without payment",
    "network.dynamic-dns": "the host's name is of a service that names changing home addresses",
    "network.raw-ip": "the address is a bare public IP address",
    "network.private-ip": "the address is in a private network, or of this machine",
    "network.odd-port": "the port is none of the usual ones",
    "network.plain-http": "the request is not encrypted",
    "network.onion": "the host is a hidden service of Tor",
    "network.cloud-metadata": "the address is the one from which cloud machines get their credentials",
    "network.constant-host": "the host is written in the source",
    "network.program-file": "the address is of a program or script",
    "network.windows-program": "the address is of a program or script for Windows",
    "network.release": "the address is of a file of a release on a code forge",
}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL or host that are known; unknown ones hold the mark `{}`."""

    scheme: str
    host: str
    port: int | None
    path: str


_URL: Final = regex(
    r"(?:(?P<scheme>[A-Za-z][\w+.-]{1,15})://)?(?:[^/@\s?#]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:?#\s\\,;'\"]+)"
    r"(?::(?P<port>\d{1,5}))?(?P<path>[/?#]\S*)?"
)
_HOLE: Final = regex(r"\{[^{}/]*\}|%[sdr]")
_MAX_ADDRESS: Final = 2048

_WEBHOOK: Final = regex(
    r"""(?ix)
    discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{6,}/[\w-]{8,}
    | hooks\.slack\.com/(?:services|workflows|triggers)/T\w{6,}/\w{6,}/\w{8,}
    | api\.telegram\.org/(?:file/)?bot\d{6,}:[\w-]{20,}
    | \.webhook\.office\.com/webhookb2/[\w-]{8,} | outlook\.office\.com/webhook/[\w-]{8,}
    | chat\.googleapis\.com/v1/spaces/[\w-]{6,}/messages\?key=
    | oapi\.dingtalk\.com/robot/send\?access_token=\w{16,} | qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[\w-]{16,}
    | open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/[\w-]{8,} | api\.pushover\.net | api\.day\.app/\w{16,}
    | guilded\.gg/webhooks/[\w-]{8,}
    """
)
_BOT_TOKEN: Final = regex(r"^\d{8,11}:[\w-]{30,}$|^[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}$|^xox[bap]-\w[\w-]{20,}$")
_BOT_API: Final = regex(
    r"(?i)api\.telegram\.org/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/|hooks\.slack\.com/|oapi\.dingtalk\.com/robot"
)

_OUT_OF_BAND: Final = regex(
    r"""(?ix)(?:^|\.)(?:
    oast\w*\.\w+ | oast(?:-\w+)?\.[\w.-]+ | oastify\.com | interact(?:sh|\.sh)(?:\.\w+)? | burpcollaborator\.net
    | dnslog\.\w+ | dnshook\.\w+ | dnsbin\.\w+ | ceye\.io | eyes\.sh | requestbin\.\w+ | requestb\.in | pipedream\.net
    | webhook\.site | webhookinbox\.com | requestcatcher\.com | requestinspector\.com | requestrepo\.com | request\.dog
    | beeceptor\.com | canarytokens\.\w+ | hookbin\.com | hookb\.in | postb\.in | ptsv[23]\.com | putsreq\.com
    | httpdump\.\w+ | hookdeck\.com | mockbin\.\w+ | typedwebhook\.tools | webhook\.\w+\.\w+ | xss\.ht | bxss\.\w+
    | canary\.tools | dig\.pm | callback\.red | svix\.com | hooks\.zapier\.com
    | ngrok\.\w+ | ngrok-free\.\w+ | serveo\.net | serveousercontent\.com | localhost\.run | lhr\.(?:life|rocks|pro)
    | loca\.lt | localtunnel\.me | trycloudflare\.com | pagekite\.me | bore\.pub | portmap\.(?:io|host) | ply\.gg
    | playit\.gg | tunnelto\.dev | telebit\.\w+ | packetriot\.net | pinggy\.\w+ | zrok\.io | loophole\.site
    | devtunnels\.ms | cpolar\.\w+ | natappfree\.cc | vicp\.fun
    )$"""
)
_DYNAMIC_DNS: Final = frozenset(
    """duckdns.org no-ip.com no-ip.org no-ip.biz no-ip.info noip.me ddns.net ddns.me zapto.org hopto.org sytes.net
    myftp.org myftp.biz myvnc.com servebeer.com serveftp.com servegame.com bounceme.net dynu.com dynu.net freeddns.org
    mooo.com dyndns.org gotdns.ch 3utilities.com redirectme.net webhop.me chickenkiller.com nip.io sslip.io
    freemyip.com ooguy.com giize.com gleeze.com kozow.com loseyourip.com theworkpc.com""".split()
)
_UPLOADS: Final = regex(
    r"""(?ix)^(?:
    (?:www\.)?pastebin\.\w+/ | rentry\.(?:co|org)/ | hastebin\.\w+/
    | (?:\w+\.)?(?:0x0\.st|x0\.at|ix\.io|termbin\.com|dpaste\.\w+|paste\.\w+|pastie\.\w+|controlc\.com|ghostbin\.\w+
        |textbin\.net|pastes\.\w+|paste\.ee|privatebin\.\w+|justpaste\.it|klgrth\.io|bpa\.st|sprunge\.us|cl1p\.net)/
    | transfer\.sh/ | (?:[\w-]+\.)*gofile\.io/ | (?:\w+\.)?anonfiles?\.\w+/ | (?:\w+\.)?file\.io/ | bashupload\.com/
    | (?:\w+\.)?(?:catbox\.moe|litterbox\.\w+|tmpfiles\.org|temp\.sh|filebin\.net|uguu\.se|oshi\.at|envs\.sh)/
    )"""
)
"""Services that take files or text from anybody who does not say who he is."""
_PASTE: Final = regex(
    r"""(?ix)^(?:
    gist\.githubusercontent\.com/ | raw\.githubusercontent\.com/ | github\.com/[^/]+/[^/]+/(?:raw|blob)/
    | (?:cdn|media)\.discordapp\.(?:com|net)/ | (?:dl|www)\.dropbox\.com/ | dl\.dropboxusercontent\.com/
    | (?:\w+\.)?(?:pixeldrain\.com|mediafire\.com|mega\.nz|sendspace\.com|zippyshare\.com|wetransfer\.com|upload\.ee)/
    | drive\.google\.com/ | docs\.google\.com/uc | (?:\w+\.)?bitbucket\.org/[^/]+/[^/]+/raw/ | gitlab\.com/.+/-?/?raw/
    | (?:\w+\.)?ipfs\.\w+/ | npoint\.io/ | api\.npoint\.io/ | jsonkeeper\.com/ | (?:api\.)?jsonbin\.io/ | t\.me/
    | steamcommunity\.com/ | telegra\.ph/ | i\.ibb\.co/ | i\.imgur\.com/
    )"""
)
_FREE_HOSTING: Final = frozenset(
    """vercel.app netlify.app herokuapp.com onrender.com glitch.me repl.co replit.dev replit.app railway.app
    000webhostapp.com pythonanywhere.com workers.dev pages.dev web.app firebaseapp.com firebaseio.com hf.space fly.dev
    deno.dev surge.sh cyclic.app koyeb.app deta.dev deta.app lovestoblog.com infinityfreeapp.com epizy.com
    atwebpages.com wuaze.com hstn.me rf.gd great-site.net gitbook.io azurewebsites.net appspot.com ondigitalocean.app
    supabase.co codesandbox.io stackblitz.io gradio.live run.app liveblog365.com alwaysdata.net""".split()
)
_IPV4: Final = regex(r"^\d{1,3}(?:\.\d{1,3}){3}$")
_LOCAL: Final = regex(
    r"^(?:10|127|0|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|22[4-9]|2[345]\d)\."
    r"|^localhost$"
)
"""Addresses that lead nowhere on the internet (RFC 1918, RFC 3927, RFC 6598)."""
_RESOLVERS: Final = frozenset(
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 208.67.222.222 208.67.220.220 114.114.114.114 223.5.5.5".split()
)
"""Addresses of public name servers: what programs contact to learn whether there is a network at all."""
_METADATA: Final = frozenset(("169.254.169.254", "metadata.google.internal", "169.254.170.2", "100.100.100.200"))
USUAL_PORTS: Final = frozenset((21, 22, 25, 53, 80, 110, 143, 443, 465, 587, 853, 993, 995, 8080, 8443))
_PROGRAM: Final = regex(r"(?i)\.(?:exe|dll|scr|msi|bat|cmd|ps1|vbs|hta|jar|apk|elf|sh|py|pyc|pyw|bin|so|dylib)(?:$|\?)")
_WINDOWS_PROGRAM: Final = regex(r"(?i)\.(?:exe|dll|scr|msi|bat|cmd|ps1|vbs|hta)(?:$|\?)")
_RELEASE: Final = regex(r"^(?:github\.com|gitlab\.com)/[^/]+/[^/]+/(?:-/)?releases/")
_RANDOM_LABEL: Final = regex(r"^(?=(?:\D*\d){3})(?=(?:[^a-z]*[a-z]){6})[a-z0-9]{20,63}$")


def parse(text: str, /) -> Address | None:
    """Return the parts of a URL, or of a host with or without a port; None for what is neither."""
    match = _URL.match(_HOLE.sub(HOLE, text[:_MAX_ADDRESS].strip()))
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    return Address((match["scheme"] or "").lower(), match["host"].lower().rstrip("."), port, match["path"] or "")


def classify(address: Address, /) -> Iterator[str]:
    """Yield the signals that an address gives."""
    host, path = address.host, address.path
    whole = f"{host}{path}"
    if _WEBHOOK.search(whole):
        yield "network.webhook"
    elif _BOT_API.search(whole):
        yield "network.bot-api"
    if host in _METADATA:
        yield "network.cloud-metadata"
    if _IPV4.match(host):
        if _LOCAL.match(host):
            yield "network.private-ip"
        elif host not in _RESOLVERS:
            yield "network.raw-ip"
    elif _LOCAL.match(host):
        yield "network.private-ip"
    elif _OUT_OF_BAND.search(host):
        yield "network.out-of-band"
    elif _is_below(host, _DYNAMIC_DNS):
        yield "network.dynamic-dns"
    elif _is_below(host, _FREE_HOSTING):
        yield "network.free-hosting"
    if _UPLOADS.match(whole) or _PASTE.match(whole):
        yield "network.paste"
    if host.endswith(".onion"):
        yield "network.onion"
    if any(_RANDOM_LABEL.match(label) for label in host.split(".")[:-1]):
        yield "network.random-host"
    if address.port is not None and address.port not in USUAL_PORTS and not _LOCAL.match(host):
        yield "network.odd-port"
    if address.scheme in ("http", "ws", "ftp") and not _LOCAL.match(host):
        yield "network.plain-http"
    if HOLE not in host and ("." in host or host == "localhost"):
        yield "network.constant-host"
    if _PROGRAM.search(path):
        yield "network.program-file"
    if _WINDOWS_PROGRAM.search(path):
        yield "network.windows-program"
    if _RELEASE.match(whole):
        yield "network.release"


def drop_in(text: str, /) -> str:
    """Return the host of the first address in a text, or a command, at which anybody can have things sent to without an
    account of their own: a webhook, a bot, a tunnel, a service that keeps files, a bare address; empty if none is."""
    for word in _BETWEEN_WORDS.split(text[:_MAX_TEXT])[:_MAX_WORDS]:
        start = max(word.lower().find("http"), 0) if "://" in word else 0
        address = parse(word[start:])
        if address is not None and ("." in address.host) and _is_drop(address):
            return address.host
    return ""


_BETWEEN_WORDS: Final = regex(r"[\s\"'`<>|;]+")
_MAX_TEXT: Final = 16_384
_MAX_WORDS: Final = 256
_OF_THIS_MACHINE: Final = ("127.", "0.", "169.254.")


def _is_drop(address: Address) -> bool:
    host = address.host.replace(HOLE, "x")  # a server of theirs that is asked for first
    if _IPV4.match(host):
        # bare numbers may be a version
        return address.scheme in ("http", "https") and not host.startswith(_OF_THIS_MACHINE)
    whole = f"{host}{address.path or '/'}"
    return bool(
        _BOT_API.search(whole)
        or _WEBHOOK.search(whole)
        or _OUT_OF_BAND.search(host)
        or _is_below(host, _DYNAMIC_DNS)
        or _UPLOADS.match(whole)
    )


def _is_below(host: str, domains: frozenset[str]) -> bool:
    """Whether a host is one of these domains or stands below one."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in domains for start in range(max(len(labels) - 4, 0), len(labels) - 1))


def is_bot_token(text: str, /) -> bool:
    """Whether a text is the token of a chat service's bot."""
    return bool(_BOT_TOKEN.match(text))


_SECRET_ADDRESS: Final = regex(
    r"""(?x)^(?:https?://)?(?:(?:canary|ptb)\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{17,20}/
        (?P<discord>[\w-]{60,90})/?$
    | ^https://hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/(?P<slack>\w{24})$
    | ^(?:https://api\.telegram\.org/bot)?\d{8,11}:(?P<telegram>AA[\w-]{33})(?:/\w*(?:\?.*)?)?$"""
)
_MIN_SECRET_LETTERS: Final = 12
"""Different characters of a secret; those that stand in documentation have fewer."""


def is_secret_address(text: str, /) -> bool:
    """Whether a text is nothing but the address of a webhook, or a bot's token, with a secret that looks real."""
    if not 40 <= len(text) <= 200 or not any(mark in text for mark in ("/webhooks/", "hooks.slack", ":AA")):
        return False
    match = _SECRET_ADDRESS.match(text)
    return match is not None and len(set(match[match.lastgroup or 0])) >= _MIN_SECRET_LETTERS
