"""What tells one machine from another: who works on it, what it is called, where it is, what it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydepgate.regex import regex
from pydepgate.source.network import address_text, is_network_call, request_of
from pydepgate.source.secrets import variable_taints
from pydepgate.source.values import ENVIRON, NETWORK, Value

if TYPE_CHECKING:
    from pydepgate.source.calls import CallSite

HOST_NAME: Final = "host.name"
USER_NAME: Final = "host.user"
ADDRESS: Final = "host.address"
HARDWARE: Final = "host.hardware"
PLATFORM: Final = "host.platform"
PLACE: Final = "host.place"
LISTING: Final = "host.listing"
PROCESSES: Final = "host.processes"
SOFTWARE: Final = "host.software"
OUTPUT: Final = "host.output"
"""The output of a command."""
PIPELINE: Final = "host.pipeline"
"""One variable of the environment that a build service sets."""
LISTENER: Final = "host.listener"
"""Came in on a connection that this machine accepted, or with a request to its web server."""
CHAT_MESSAGE: Final = "host.chat"
"""Came as a message or event to a bot or client that waits for them."""

TELLING: Final = frozenset((HOST_NAME, USER_NAME, ADDRESS, HARDWARE))
"""Facts that say which machine or whose it is; the others are shared by many."""

_FACTS: Final[Mapping[str, str]] = {
    **dict.fromkeys("socket.gethostname socket.getfqdn platform.node os.uname().nodename".split(), HOST_NAME),
    **dict.fromkeys(
        """getpass.getuser os.getlogin pwd.getpwuid pwd.getpwnam pwd.getpwall win32api.GetUserName
        win32api.GetUserNameEx psutil.users ctypes.windll.advapi32.GetUserNameW""".split(),
        USER_NAME,
    ),
    **dict.fromkeys(
        """netifaces.interfaces netifaces.ifaddresses psutil.net_if_addrs socket.socket().getsockname
        psutil.net_connections ifaddr.get_adapters public_ip.get requests_ip.get""".split(),
        ADDRESS,
    ),
    **dict.fromkeys(
        """uuid.getnode getmac.get_mac_address wmi.WMI machineid.id machineid.hashed_id GPUtil.getGPUs
        psutil.virtual_memory psutil.disk_usage psutil.disk_partitions cpuinfo.get_cpu_info""".split(),
        HARDWARE,
    ),
    **dict.fromkeys(
        """platform.system platform.release platform.version platform.platform platform.machine platform.processor
        platform.uname platform.architecture os.uname platform.win32_ver platform.mac_ver platform.python_version
        sys.platform sys.version distro.name distro.id""".split(),
        PLATFORM,
    ),
    **dict.fromkeys(
        """os.getcwd os.getcwdb pathlib.Path.cwd pathlib.Path.home os.path.expanduser sys.executable sys.prefix
        __file__""".split(),
        PLACE,
    ),
    **dict.fromkeys("os.listdir os.walk os.scandir glob.glob glob.iglob pathlib.Path().iterdir".split(), LISTING),
    **dict.fromkeys("psutil.process_iter psutil.pids win32process.EnumProcesses".split(), PROCESSES),
    **dict.fromkeys(
        """pkg_resources.working_set importlib.metadata.distributions importlib_metadata.distributions
        pip.get_installed_distributions""".split(),
        SOFTWARE,
    ),
    **dict.fromkeys(
        """subprocess.Popen().stdout subprocess.Popen().stderr subprocess.Popen().communicate subprocess.run().stdout
        subprocess.run().stderr subprocess.check_output subprocess.getoutput subprocess.getstatusoutput os.popen
        commands.getoutput""".split(),
        OUTPUT,
    ),
    **dict.fromkeys(
        """socket.socket().accept flask.request bottle.request quart.request http.server.BaseHTTPRequestHandler().rfile
        http.server.BaseHTTPRequestHandler().path http.server.BaseHTTPRequestHandler().headers
        http.server.SimpleHTTPRequestHandler().rfile http.server.SimpleHTTPRequestHandler().path
        socketserver.BaseRequestHandler().request socketserver.StreamRequestHandler().rfile""".split(),
        LISTENER,
    ),
}
"""What a function, or an attribute, of that name tells."""

ALL_FACTS: Final = frozenset((*_FACTS.values(), PIPELINE)) - {LISTENER}
"""Every kind of fact. Honest code is full of most of them: what counts is which of them leave the machine together."""

_VARIABLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("USER", "USERNAME", "LOGNAME", "USERDOMAIN", "SUDO_USER"), USER_NAME),
    **dict.fromkeys(("COMPUTERNAME", "HOSTNAME", "HOST", "LOGONSERVER", "USERDNSDOMAIN"), HOST_NAME),
    **dict.fromkeys(("PROCESSOR_IDENTIFIER", "NUMBER_OF_PROCESSORS", "OS", "PROCESSOR_ARCHITECTURE"), PLATFORM),
    **dict.fromkeys(("PWD", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "HOMEPATH"), PLACE),
}
_PIPELINE_VARIABLE: Final = regex(r"^(?:GITHUB|CI|GITLAB|JENKINS|BUILD|RUNNER|CIRCLE|TRAVIS|BITBUCKET)(?:_|$)")

_WHO_AM_I: Final = regex(
    r"""(?ix)^https?://(?:[\w-]+\.)*(?:
    ipify\.org | ifconfig\.(?:me|co|io) | ipinfo\.io | icanhazip\.com | checkip\.\w+\.\w+ | ip-api\.com | ipapi\.co
    | ipecho\.net | ident\.me | my-?ip\.\w+ | whatismyip\w*\.\w+ | ip\.\w{2,4} | geolocation-db\.com | ipwho\.is
    | ipwhois\.app | freegeoip\.\w+ | ip6?\.me | wtfismyip\.com | myexternalip\.com | ipaddress\.\w+ | geojs\.io
    | ip\.\w+\.(?:com|net|cn|io|org) | api\.db-ip\.com | extreme-ip-lookup\.com | ip\.seeip\.org | httpbin\.org/ip
    )(?:[/:?]|$)"""
)
"""Services that answer with the public address of whoever asks, by the kind of their names."""

_COMMANDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("whoami", "id", "who", "w", "users", "logname"), USER_NAME),
    "hostname": HOST_NAME,
    **dict.fromkeys(("ifconfig", "ipconfig", "ip", "netstat", "arp", "route", "getmac"), ADDRESS),
    **dict.fromkeys(("wmic", "dmidecode", "lscpu", "nvidia-smi", "lshw", "ioreg", "system_profiler"), HARDWARE),
    **dict.fromkeys(("uname", "systeminfo", "ver", "lsb_release", "sw_vers"), PLATFORM),
    "pwd": PLACE,
    **dict.fromkeys(("ls", "dir", "find", "tree"), LISTING),
    **dict.fromkeys(("ps", "tasklist", "top"), PROCESSES),
    **dict.fromkeys(("env", "printenv", "set", "export"), ENVIRON),
    **dict.fromkeys(("curl", "wget"), NETWORK),
}
"""What the output of a command tells, by its first word."""

_NOTHING: Final[frozenset[str]] = frozenset()
_OWN_NAMES: Final = ("socket.gethostname()", "socket.getfqdn()", "platform.node()")


_WAITS_FOR_EVENTS: Final = regex(
    r"""(?x)^(?:discord|nextcord|disnake|telebot|telegram|aiogram|telethon|pyrogram|slack_bolt|slack_sdk|socketio|irc
    |slixmpp|paho)\.(?:[\w.]|\(\))*\.(?:command|event|listen|on|message|event_handler|on_message|on_event|hybrid_command
    |(?:\w+_)?message_handler|callback_query_handler|channel_post|slash_command)(?:\(\))?$"""
)
_CHAT_BASES: Final = tuple(
    """discord. nextcord. disnake. socketio. telegram. slixmpp. sleekxmpp. paho. websocket. autobahn. stomp. gmqtt.
    irc.""".split()
)


def is_event_handler(decorator: str, /) -> bool:
    """Whether a decorator of that resolved name has the function called with what comes in from a chat service."""
    return _WAITS_FOR_EVENTS.match(decorator) is not None


def receives_events(method: str, bases: Iterable[str], /) -> bool:
    """Whether a method of a class with these bases is called with what comes in from a chat service."""
    return method.startswith(("on_", "onMessage")) and any(base.startswith(_CHAT_BASES) for base in bases)


def fact_of(name: str, /) -> str:
    """Return the kind of fact that a function or attribute of that resolved name tells; empty for most."""
    return _FACTS.get(name, "")


def variable_facts(name: str, /) -> frozenset[str]:
    """Return what one variable of the environment tells."""
    known = _VARIABLES.get(name.upper())
    if known:
        return frozenset((known,))
    return variable_taints(name) or (frozenset((PIPELINE,)) if _PIPELINE_VARIABLE.match(name) else _NOTHING)


def brought_in(site: CallSite, /) -> frozenset[str]:
    """Return what a call brings in that its name alone does not tell, but its arguments do."""
    name = site.name
    if not _might_bring_in(name):
        return _NOTHING
    if name in ("os.environ.get", "os.getenv", "os.environ.pop", "os.environ.__getitem__"):
        return variable_facts(site.args[0].text) if site.args else _NOTHING
    if name in ("socket.gethostbyname", "socket.gethostbyname_ex"):
        return frozenset((ADDRESS,)) if is_own_lookup(site) else _NOTHING
    if name.startswith(("subprocess.", "os.popen", "commands.")) and (site.args or site.keywords):
        command = command_words(site.args[0] if site.args else next(iter(site.keywords.values())))
        told = _COMMANDS.get(command[0].rpartition("/")[2].lower().removesuffix(".exe"), "") if command else ""
        return frozenset((told,)) if told else _NOTHING
    tail = name.rpartition(".")[2]
    if tail in _ASKING and (request := request_of(site)) is not None and request.opens:
        if _WHO_AM_I.match(address_text(request.target)):
            return frozenset((ADDRESS, NETWORK))
        return frozenset((NETWORK,)) if not is_network_call(name) else _NOTHING
    if tail == "recv" and len(site.args) == 1 and not name.startswith("socket."):
        return frozenset((NETWORK,))
    return _NOTHING


@lru_cache(maxsize=4096)
def _might_bring_in(name: str) -> bool:
    beginnings = ("os.environ.", "os.getenv", "socket.gethostbyname", "subprocess.", "os.popen", "commands.")
    tail = name.rpartition(".")[2]
    return name.startswith(beginnings) or tail in _ASKING or tail == "recv"


_ASKING: Final = frozenset("get post put patch request open urlopen fetch stream sendall send".split())


def is_own_lookup(site: CallSite, /) -> bool:
    """Whether a name is looked up that is this machine's own, so that nothing is asked of anybody."""
    return site.argument(0).name in _OWN_NAMES


def command_words(value: Value, /) -> list[str]:
    """Return the known words of a command, be it a line or a list."""
    parts: Iterable[object]
    if isinstance(value.const, str):
        return value.const.split()
    parts = value.const if isinstance(value.const, list | tuple) else [part.const for part in value.items or ()]
    words = [part for part in parts if isinstance(part, str)]
    return words[0].split() + words[1:] if words and words[0].strip() else words[1:]
