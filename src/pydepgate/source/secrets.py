"""What is secret on a machine: the files that hold passwords, keys, sessions and wallets, by their usual paths.

A text that names such a file, or a part of its path that nothing else is called, marks a value; what reads a file
by a marked path gives a secret. The paths are those that the programs themselves document.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from pydepgate.regex import regex
from pydepgate.source.values import ENVIRON, GIVEN

SECRET: Final = "secret:"
"""Prefix of the taint of what was read from a secret place; the kind follows."""
CAPTURE: Final = "capture:"
"""Prefix of the taint of what was captured: the screen, the keyboard, ..."""
KEY_PARAMETER: Final = "key-parameter"
"""Kind of what a caller passes as a private key or recovery phrase."""
ENTRUSTED: Final = "entrusted:"
"""Prefix of the taint of what was meant for one purpose, or for another library; the kind follows."""
CREDENTIAL: Final = ENTRUSTED + "credential"
"""Was passed by a caller as a password, a session or the like."""
TOKEN: Final = ENTRUSTED + "token"
"""Was passed by a caller as the key or token of a service."""
INHERITED: Final = ENTRUSTED + "inherited"
"""Is kept as a secret by a class of another library that a class of the file derives from."""
KEY_PAIR: Final = ENTRUSTED + "pair"
"""Is, or holds, a key pair of a wallet library, whose bytes are the private key."""
KEYS: Final = frozenset((SECRET + KEY_PARAMETER, KEY_PAIR))
"""Is a private key, or what it can be taken from."""
HOOKED: Final = ENTRUSTED + "hooked"
"""Came to a function that was put in the place of another library's."""
PATH: Final = "path of "
"""Prefix of the taint of a path; what a file there holds follows, as a taint."""

_MAX_TEXT: Final = 1_000
"""Characters of a text that may be a path or a command; longer ones are prose or data."""

_EXTENSION_IDS: Final = """
    nkbihfbeogaeaoehlefnkodbefgpgknn ejbalbakoplchlghecdalmeeeajnimhm bfnaelmomeimhlpmgjnjophhpkkoljpa
    fhbohimaelbohpjbbldcngcnapndodjp hnfanknocfeofbddgcijnmhnfnkdnaad ibnejdfjmmkpcnlpebklmnkoeoihofec
    fnjhmkhhmkbjkkabndcnnogagogbneec egjidjbpglichdcondbcbdnbeeppgdph aholpfdialjgjfhomihkjbmgjidlcdno
    dmkamcknogkgcdfhhbddcghachkejeap ffnbelfdoeiohenkjibnmadjiehjhajb afbcbjpbpfadlkmhmclhkeeodmamcflc
    jbdaocneiiinmjbjlgalhcelgbejmnid hpglfhgfnhbgpjdenjgmdgoeiappafln blnieiiffboillknjnepogjhkgnoapac
    fihkakfobkmkjojpchpfgcmhfjnmnfpi kncchdigobghenbbaddojjnnaogfppfj nanjmdknhkinifnkgdcggcfnhdaammmj
    aiifbnbfobpmeekipheeijimdpnlpgpp odbfpeeihdkbihmopkbjmoonfanlbfcl nphplpgoakhhjchkkhmiggakijnkhfnd
    mcohilncbfahbmgdjkbpemcciiolgcge pdadjkfkgcafgbceimcpbkalnfnepbnk cgeeodpfagjceefieflmdfphplkenlfk
    bhghoamapcdpbohphigoooaddinpkbai ookjlbkiijinhpmnjffcofjonbfbgaoc aeachknmefphepccionboohckonoeemg
    lgmpcpglpngdoalbgeoldeajfclnhafa mgffkfbidihjpoaomajlbgchddlicgpn opcgpfmipidbgpenhmajoajpbobppdil
    acmacodkjbdgmoleebolmdjonilkdbch hifafgmccdpekplomjjkcfgodnhcellj phkbamefinggmakgklpkljjmgibohnba
    lpfcbjknijpeeillifnkikgncikgfhdo cjelfplplebdjjenllpjcblmjkfcffne""".split()
"""Public ids of browser extensions that are wallets or authenticators (MetaMask, Phantom, Coinbase Wallet, ...)."""

_BROWSERS: Final = (
    r"google/chrome(?: sxs| beta| dev)?|chromium|microsoft/edge(?: beta| dev)?|bravesoftware/brave-browser[\w-]*"
    r"|yandex/yandexbrowser|vivaldi|epic privacy browser|centbrowser|comodo/dragon|torch|kometa|orbitum|amigo|iridium"
    r"|sputnik/sputnik|7star/7star|ucozmedia/uran|cocoiccoc/browser|coccoc/browser|chedot|slimjet|360browser/browser"
    r"|360chrome/chrome|maxthon\d?|k-melon|elements browser|qip surf|liebao|avast software/browser|avg/browser"
    r"|ccleaner browser|thorium|arc|catalinagroup/citrio|maplestudio/chromeplus|fenrir inc/sleipnir\d?"
)

_PATHS: Final = {
    "browser": rf"""
        (?:{_BROWSERS.replace(" ", "[ ]")})/user[ ]data(?:/|$)
        | /user[ ]data/(?:default|profile|local[ ]state|guest)
        | opera[ ]software/opera[ ](?:gx[ ])?(?:stable|neon|crypto)
        | application[ ]support/(?:google/chrome|microsoft[ ]edge|bravesoftware|vivaldi|com\.operasoftware
          |firefox/profiles)
        | \.config/(?:google-chrome|chromium|bravesoftware|microsoft-edge|vivaldi|opera)(?:[-/]|$)
        | \.mozilla/(?:firefox|icecat) | mozilla/firefox(?:/profiles|$) | firefox/profiles
        | (?:^|/)(?:login[ ]data(?:[ ]for[ ]account)?|key[34]\.db|logins\.json|cookies\.sqlite|signons\.sqlite
          |formhistory\.sqlite|places\.sqlite)$
        | (?:default|profile[ ]?\d*|network)/(?:login[ ]data|cookies|web[ ]data|history)$
        | library/(?:safari/|cookies/cookies\.binarycookies|containers/com\.apple\.safari)""",
    "wallet": rf"""
        /exodus/?$ | exodus(?:\.wallet|/exodus) | (?:^|/)(?:seed|info|storage|passphrase|twofactor)\.seco$
        | electrum(?:-\w+)?/(?:wallets|config) | (?:^|/)\.electrum | electroncash/wallets
        | atomic/(?:local[ ]storage|indexeddb) | (?:^|/)wallet\.dat | (?:ethereum|\.ethereum|geth)/keystore
        | com\.liberty\.jaxx | coinomi/(?:coinomi|wallets) | guarda/(?:local[ ]storage|indexeddb)
        | /multibit(?:hd)?(?:/|$) | bitcoin/wallets | monero/wallets | /(?:zcash|bytecoin|dashcore|armory)/?$
        | wasabiwallet | walletwasabi | ledger[ ]live | trezor[ ]suite | daedalus[ ]mainnet | mymonero | sparrow/wallets
        | local[ ]extension[ ]settings | sync[ ]extension[ ]settings
        | (?:{"|".join(_EXTENSION_IDS)})""",
    "session": r"""
        local[ ]storage/leveldb
        | (?:^|/)(?:discord(?:canary|ptb|development)|lightcord|betterdiscord)(?:/|$)
        | (?:^|/)discord/local[ ](?:storage|state) | discord_desktop_core
        | telegram[ ]desktop | (?:^|/)tdata(?:/|$) | (?:^|/)key_datas$ | 64gram[ ]desktop | (?:^|/)d877f783d5d3ef8c
        | \.minecraft/(?:launcher_(?:profiles|accounts)|usercache|accounts) | launcher_(?:profiles|accounts)[\w-]*\.json
        | lunarclient/settings | (?:^|/)\.feather/accounts | (?:^|/)\.lunarclient
        | steam/config | loginusers\.vdf | (?:^|/)ssfn
        | \.roblosecurity | robloxcookies\.dat | roblox/localstorage | robloxstudiobrowser
        | epicgameslauncher/saved | battle\.net/account | riot[ ]games/riot[ ]client/data | ubisoft[ ]game[ ]launcher
        | filezilla/(?:recentservers|sitemanager|filezilla)\.xml | (?:^|/)(?:recentservers|sitemanager)\.xml$
        | thunderbird/profiles | signal/(?:config\.json|sql|databases) | element/(?:indexeddb|local[ ]storage)
        | nordvpn/ | openvpn[ ]connect/profiles | protonvpn/ | \.purple/accounts\.xml""",
    "keys": r"""
        (?:^|[/~])\.ssh(?:/|$)(?!authorized_keys|known_hosts|config$)
        | (?:^|/)id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$ | \.ssh/id_
        | (?:^|/)\.gnupg(?:/|$) | (?:^|/)secring\.gpg | solana/id\.json | ssh_host_\w+_key$
        | simontatham/putty/sessions""",
    "cloud": r"""
        (?:^|/)\.aws(?:/|$) | (?:^|/)\.azure(?:/|$) | (?:^|/)gcloud(?:/|$) | application_default_credentials\.json
        | (?:^|/)\.kube(?:/|$) | (?:^|/)\.docker(?:/config\.json|$) | (?:^|/)\.dockercfg$ | (?:^|/)\.npmrc$
        | (?:^|/)\.pypirc$ | (?:^|/)[._]netrc$ | (?:^|/)\.git-credentials$ | \.terraform\.d/credentials | (?:^|/)\.boto$
        | (?:^|/)\.s3cfg$ | (?:^|/)gh/hosts\.yml$ | (?:^|/)\.vault-token$ | \.config/doctl | \.oci/config
        | secrets/kubernetes\.io/serviceaccount | /run/secrets/ | (?:^|/)\.pgpass$ | (?:^|/)\.my\.cnf$
        | (?:^|/)rclone\.conf$ | (?:^|/)\.yarnrc | \.cargo/credentials | \.gem/credentials | \.config/hub$
        | \.gitlab-token | \.config/heroku""",
    "env-file": r"(?:^|[/*])\.env(?:\.(?:local|prod|production|dev|development|staging))?$ | -name[ ]\S*\.env\b",
    "history": r"""
        (?:^|/)\.(?:bash|zsh|sh|python|mysql|psql|sqlite|node_repl|rediscli)_history$ | (?:^|/)fish_history$
        | consolehost_history\.txt | (?:^|/)\.zhistory$ | (?:^|/)\.lesshst$""",
    "system": r"""
        /etc/(?:shadow|gshadow|sudoers|master\.passwd|security/passwd)(?:\b|$) | config/(?:sam|security|system)$
        | \bhklm/(?:sam|security|system)\b | (?:^|/)ntds\.dit | /proc/(?:self|\d+|\*|\?)/environ | /etc/krb5\.keytab
        | /unattend\.xml | /sysprep\.(?:xml|inf)$""",
    "passwd": r"/etc/passwd\b",
    "keychain": r"""
        library/keychains | login\.keychain | microsoft/(?:credentials|vault|protect)(?:/|$) | local/share/keyrings
        | (?:^|/)kwalletd? | security[ ](?:find-(?:generic|internet)-password|dump-keychain) | vaultcmd | cmdkey[ ]/list
        | (?:^|[.])gnome2?/keyrings | bitwarden/data\.json | 1password/data | keepass/ | \.kdbx?$""",
    "wifi": r"""
        netsh(?:\.exe)?[ ]wlan[ ]show[ ]profiles?\b.*key\s*=\s*clear | \bkey=clear\b | wpa_supplicant\.conf
        | networkmanager/system-connections""",
    "metadata": r"""
        169\.254\.169\.254 | 169\.254\.170\.2 | metadata\.google\.internal | metadata\.azure\.com
        | 100\.100\.100\.200/ | fd00:ec2::254""",
    "password-prompt": r"""
        display[ ]dialog\b.*hidden[ ]answer | zenity\b.*--password | kdialog[ ]--password | \bget-credential\b
        | promptforcredential | creduipromptfor""",
}
"""For each kind of secret, what its path looks like: lower case, with `/` for `\\`."""

KINDS: Final = tuple(_PATHS)
"""Kinds of secrets that are told by a path or a command."""

_PATTERNS: Final = {kind: regex(pattern, re.X) for kind, pattern in _PATHS.items()}

ANCHORS: Final = (
    """user data|opera software|application support/|.config/|mozilla|firefox|login data|key3.db|key4.db|logins.json
    |.sqlite|/cookies|/web data|/history|library/|exodus|.seco|electr|atomic/|wallet|keystore|jaxx|coinomi|guarda|armory
    |multibit|bitcoin/|monero|zcash|bytecoin|dashcore|ledger live|trezor|daedalus|sparrow
    |extension settings|leveldb|discord|lightcord|telegram desktop|tdata|key_datas|64gram|d877f783d5d3ef8c
    |minecraft|launcher_|lunarclient|.feather|steam/|loginusers|ssfn|robl|epicgames|battle.net|riot games|ubisoft
    |filezilla|recentservers|sitemanager|thunderbird|signal/|element/|nordvpn|openvpn|protonvpn|.purple|.ssh|id_rsa|id_dsa|id_ecdsa
    |id_ed25519|ssh_host_|gnupg|secring|solana|putty|.aws|.azure|gcloud|application_default|.kube|.docker|.npmrc|.pypirc
    |netrc|.git-cred|.terraform|.boto|.s3cfg|hosts.yml|.vault-token|.oci|serviceaccount|.pgpass|.my.cnf|rclone|.yarnrc
    |.cargo|.gem/|.gitlab-token|.env|_history|.zhistory|.lesshst|/etc/|config/s|hklm|ntds|environ|unattend|sysprep
    |/run/secrets|keychain|microsoft/|keyrings|-password|vaultcmd|cmdkey|bitwarden|1password|keepass
    |.kdb|key=clear|netsh|wpa_supplicant|system-connections|169.254.|metadata.|100.100.100|fd00:ec2|hidden answer
    |--password|get-credential|promptfor""".replace("\n", "")
    .replace("    ", "")
    .split("|")
) + list(_EXTENSION_IDS)
"""Of every pattern some text that it cannot do without: asked for first, which is quicker."""

_SEPARATORS: Final = regex(r"/{2,}")
_URL: Final = regex(r"[a-z][a-z0-9+.-]{1,20}://")


@lru_cache(maxsize=4096)
def kinds_named(text: str, /) -> frozenset[str]:
    """Return the kinds of secrets whose path, or a telling part of it, the text holds.

    A web address names none but the metadata service of a cloud.
    """
    if not 3 < len(text) <= _MAX_TEXT:
        return _NONE
    low = text.lower().replace("\\", "/")
    if not any(anchor in low for anchor in ANCHORS):
        return _NONE
    if _URL.match(low) and not low.startswith(("file://", "sqlite://")):
        return _METADATA if _PATTERNS["metadata"].search(low) else _NONE
    low = _SEPARATORS.sub("/", low)
    return frozenset(kind for kind, pattern in _PATTERNS.items() if pattern.search(low))


_NONE: Final[frozenset[str]] = frozenset()
_METADATA: Final = frozenset(("metadata",))


def path_taints(text: str, /) -> frozenset[str]:
    """Return the taints of a text as a path."""
    return frozenset(f"{PATH}{SECRET}{kind}" for kind in kinds_named(text))


def kinds_of(taints: Iterable[str], prefix: str, /) -> frozenset[str]:
    """Return the kinds that taints with that prefix name."""
    return frozenset(taint.removeprefix(prefix) for taint in taints if taint.startswith(prefix))


def might_hold(source: str, /) -> bool:
    """Whether a source text may name a secret place; quick, and right where it says no."""
    low = source.lower()
    # its different words are a tenth of it: what none of them holds a part of need not be looked for in all of it
    words = "\n".join(set(_WORD.findall(low)))
    anchors = [anchor for anchor, part in _parts() if part in words]
    if not anchors:
        return False
    low = _SEPARATORS.sub("/", low.replace("\\", "/"))
    return any(anchor in low for anchor in anchors)


@lru_cache(maxsize=1)
def _parts() -> tuple[tuple[str, str], ...]:
    """Return each anchor with the longest word, or part of one, in it."""
    return tuple((anchor, max(_WORD.findall(anchor), key=len)) for anchor in ANCHORS)


_WORD: Final = regex(r"\w+")


TOKEN_SHAPE: Final = regex(
    r"""
    \{24(?:,\d+)?\}.{0,6}\.?.{0,8}\{6(?:,\d+)?\}.{0,10}\{(?:25|27|38)[,}] | mfa\\?\..{0,12}\{(?:80|84)\}
    | dQw4w9WgXcQ | \.ROBLOSECURITY | \[5KL\]\[1-9A-HJ-NP
    """,
    re.X,
)
"""Regular expressions for the tokens of chat and game accounts, and the mark that Discord puts before its own."""
TOKEN_MARKS: Final = ("{24", "mfa", "dQw4w9WgXcQ", ".ROBLOSECURITY", "[5KL]")
"""Of each of them a text that it cannot do without."""

_VARIABLE: Final = regex(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY(?:_ID)?|CREDENTIALS?|MNEMONIC"
    r"|AUTH|SECRET_?KEY|SEED)(?:_|$)|^AWS_(?:ACCESS|SECRET|SESSION)|^PGPASSWORD$|^GH_PAT$",
    re.I,
)


@lru_cache(maxsize=1024)
def is_secret_variable(name: str, /) -> bool:
    """Whether an environment variable of that name holds a secret, by custom."""
    return _VARIABLE.search(name) is not None


_SIGNING_VARIABLES: Final = frozenset(("AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "AZURE_STORAGE_KEY"))


def variable_taints(name: str, /) -> frozenset[str]:
    """Return the taints of an environment variable: of a secret one by its name, and of a key that signs requests."""
    if not is_secret_variable(name):
        return _NONE
    signing = (f"{SECRET}signing-variable",) if name in _SIGNING_VARIABLES else ()
    return frozenset((f"{SECRET}variable", *signing))


SEARCHED_VARIABLES: Final = frozenset((f"{SECRET}variables",))
"""Taint of the variables of the environment that were picked by names that secrets have."""
_MAX_TESTED: Final = 64


def asks_for_secrets(tests: Sequence[ast.expr], /) -> bool:
    """Whether tests pick names that secrets have; those that leave them out say `not`."""
    found = False
    for test in tests:
        for node in itertools.islice(ast.walk(test), _MAX_TESTED):
            if isinstance(node, ast.Not | ast.NotIn):
                return False
            found |= isinstance(node, ast.Constant) and isinstance(node.value, str) and is_secret_variable(node.value)
    return found


_KEY_PARAMETER: Final = regex(
    r"^(?:(?:wallet|eth|btc|sol|account|user|my|raw|hex)_?)?(?:priv(?:ate)?_?keys?|pk_hex|mnemonics?(?:_?(?:phrase|words|code))?"
    r"|seed_?(?:phrase|words)|secret_?(?:phrase|recovery_?phrase)|recovery_?phrase)$",
    re.I,
)


_CREDENTIAL_PARAMETER: Final = regex(
    r"^(?:(?:user|login|account|db|database|ssh|smtp|my|raw|plain|email|master|vault|root)_?)?(?:password|passwd|passphrase|passwort"
    r"|senha|dsn|session_?id|sess_?id|session_?(?:cookies?|token|string)|cookies?|secret|secret_?key|api_?secret"
    r"|client_?secret|otp|totp|two_?factor(?:_code)?|cvv|cvc|card_?(?:number|no)|connection_?string)$",
    re.I,
)
_TOKEN_PARAMETER: Final = regex(
    r"^(?:(?:bot|user|my|discord|telegram|slack|openai|github|hf|access|auth|bearer|api|service)_?)?(?:token|api_?key|access_?key)$",
    re.I,
)


@lru_cache(maxsize=1024)
def parameter_taints(name: str, /) -> frozenset[str]:
    """Return the taints of what a caller passes under that name, by custom.

    The key of a wallet is what nobody needs to be told but the signer.
    """
    if _KEY_PARAMETER.match(name):
        return _KEY_TAINTS
    if _CREDENTIAL_PARAMETER.match(name):
        return frozenset((CREDENTIAL,))
    return frozenset((TOKEN,)) if _TOKEN_PARAMETER.match(name) else _NONE


_INHERITED: Final = regex(r"^(?:[\w.]+)\(\)\.(?:\w+\.){0,2}(\w+)$")


@lru_cache(maxsize=4096)
def inherited_taints(name: str, /) -> frozenset[str]:
    """Return the taints of an attribute, by its resolved name, that a class has from one of another library."""
    found = _INHERITED.match(name)
    if found is None or name.startswith("."):
        return _NONE
    attribute = found[1].lstrip("_")
    return frozenset((INHERITED,)) if parameter_taints(attribute) else _NONE


_IMPORTS_KEY: Final = regex(
    r"(?:^|\.)(?:from|import|load|restore|recover)_(?:mnemonic|seed_?(?:phrase|words)?|secret_key|private_?key|wif|recovery_phrase)$"
)
_KEY_WORDS: Final = frozenset("key seed words phrase secret mnemonic s value text wif raw data".split())


@lru_cache(maxsize=1024)
def key_taints(function: str, parameter: str, /) -> frozenset[str]:
    """Return the taints of a parameter of a function that, by its name, takes the key of a wallet."""
    return _KEY_TAINTS if parameter in _KEY_WORDS and _IMPORTS_KEY.search(function) else _NONE


_KEY_TAINTS: Final = frozenset((SECRET + KEY_PARAMETER,))

THEFT: Final = frozenset("browser wallet session keys history system keychain wifi unprotected password-prompt".split())
"""Kinds of secrets that no program but their owner sends anywhere."""
SHARED: Final = frozenset("cloud env-file metadata keyring passwd typed".split())
"""Kinds of secrets that the programs they belong to send themselves."""

SPOKEN: Final = {
    SECRET + KEY_PARAMETER: "key",
    HOOKED: "hooked",
    INHERITED: "inherited",
    CREDENTIAL: "credential",
    TOKEN: "token",
    **{SECRET + kind: "credential" for kind in SHARED},
}
"""What signals call what was entrusted."""


def kinds_handed(taints: frozenset[str], /) -> Iterator[str]:
    """Yield what a value with these taints is to those who passed it to a function of another file."""
    for taint in taints:
        if taint.startswith(SECRET) and taint.removeprefix(SECRET) in SHARED:
            yield "shared"
        elif taint in SPOKEN:
            yield SPOKEN[taint]
        elif taint.removeprefix(SECRET) in THEFT:
            yield "secret"
        elif taint.startswith(CAPTURE):
            yield "capture"
        elif taint in (ENVIRON, GIVEN):
            yield taint


_WALLET_LIBRARIES: Final = (
    r"eth_account|eth_keys|web3|solders|solana|mnemonic|bip32|bip39|bip32utils|bip44|bip_utils|hdwallet|bitcoinlib|bit|coincurve|tronpy"
    r"|tronapi|xrpl|stellar_sdk|substrateinterface|pytezos|pycardano|aptos_sdk|algosdk|starknet_py|pysui|cosmpy|monero|nacl"
)
_KEY_MATERIAL: Final = regex(
    rf"^(?:{_WALLET_LIBRARIES})\..*\(\)\.(?:_?private_?keys?|_?secret_?key|_?key|privkey|secret|seed|mnemonic|to_wif|wif"
    r"|private_key_hex|to_bytes_array|to_json|_seed)(?:\.hex|\.to_hex|\.to_bytes)?(?:\(\))?$",
    re.I,
)
_KEY_OBJECT: Final = regex(
    rf"^(?:{_WALLET_LIBRARIES})\.(?:\w+\.)*(?:Keypair|KeyPair|PrivateKey|SigningKey)(?:\.(?:from_\w+|generate|random|create\w*))?\(\)$"
)


@lru_cache(maxsize=4096)
def is_key_material(name: str, /) -> bool:
    """Whether an attribute or result of that resolved name is the private key that a wallet library made or read."""
    return _KEY_MATERIAL.match(name) is not None


_KEY_READER: Final = regex(
    rf"^(?:{_WALLET_LIBRARIES})\.(?:[\w.()]+\.)?"
    r"(?:from_(?:key|mnemonic|seed|private_?key|secret_?key|base58\w*|bytes)|to_seed)$"
)


@lru_cache(maxsize=1024)
def reads_key(name: str, /) -> bool:
    """Whether a function of that resolved name, of a wallet library, is given a private key or recovery phrase."""
    return _KEY_READER.match(name) is not None


_PUBLIC: Final = regex(r"(?i)pub(?:lic)?_?key|address|sign(?!up|in)|verif|hash|digest|sha\d|^hmac|to_public|checksum")


@lru_cache(maxsize=1024)
def makes_public(name: str, /) -> bool:
    """Whether a function or attribute of that name gives what may be shown of a key: an address, a signature."""
    return _PUBLIC.search(name) is not None


@lru_cache(maxsize=4096)
def is_key_object(name: str, /) -> bool:
    """Whether a value of that resolved name is a key pair, whose bytes are the private key."""
    return _KEY_OBJECT.match(name) is not None
