"""What indicators look like: one table of patterns, each with its kind.

Every pattern runs in time linear in its input: repetitions are possessive or bounded, and start where a look-behind
allows only one start for a run. All work on bytes, so offsets are those of the content itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydepgate.regex import regex

REACH = 4_096
"""Bytes that no match of a pattern with needles is longer than."""

_LARGE = 64 * 1024
"""Bytes below which a content is searched as a whole."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`regex` finds indicators of `kind`; the group that matched is the value, else the whole match. `needles`:
    in lower case, one of these stands in every content that can match, whatever its case. `binary`: fair to
    try on native programs too."""

    kind: str
    regex: re.Pattern[bytes]
    needles: tuple[bytes, ...] = ()
    binary: bool = False

    def possible(self, lower: bytes, /) -> bool:
        """Whether the content, given in lower case, may match at all."""
        for needle in self.needles:
            if needle in lower:
                return True
        return not self.needles

    def places(self, lower: bytes, /) -> list[tuple[int, int]]:
        """Return the parts of a content, given in lower case, that hold every match: those around its needles where
        they are rare, for most are; else the whole."""
        whole = [(0, len(lower))]
        if not self.needles or len(lower) < _LARGE:
            return whole
        found: list[int] = []
        for needle in self.needles:
            at = lower.find(needle)
            while at >= 0:
                found.append(at)
                if len(found) * 4 * REACH > len(lower):
                    return whole
                at = lower.find(needle, at + REACH)
        parts: list[tuple[int, int]] = []
        for at in sorted(found):
            # what was skipped after a needle may be one more, with a match of its own
            low, high = max(at - REACH, 0), at + 3 * REACH
            if parts and low <= parts[-1][1]:
                parts[-1] = (parts[-1][0], max(high, parts[-1][1]))
            else:
                parts.append((low, high))
        return parts


def _words(*words: str) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_TEXT = r"[!#-&(-;=?-~]"  # printable, neither blank nor quote nor angle bracket

PYTHON_MODULES = frozenset(
    (
        "aiohttp asyncio base64 binascii browser_cookie3 bz2 codecs cryptography ctypes Cryptodome Crypto discord "
        "ftplib getpass gzip hashlib http httpx importlib keyring lzma marshal mss multiprocessing os paramiko pickle "
        "PIL platform psutil pty pyautogui pynput pyperclip random re requests shutil smtplib socket sqlite3 ssl "
        "struct subprocess sys tempfile threading time urllib urllib2 urllib3 uuid websocket websockets win32api "
        "win32con win32crypt win32gui winreg zipfile zlib"
    ).split()
)
"""Modules that a name in bytecode or in a pickle is taken for."""

_PROCESS = (
    r"(?<![\w.])((?:os|posix|nt)\.(?:system|popen[234]?|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|startfile|fork)"
    r"|subprocess\.(?:Popen|run|call|check_call|check_output|getoutput|getstatusoutput)|pty\.spawn"
    r"|asyncio\.create_subprocess_(?:exec|shell)|commands\.get(?:status)?output|multiprocessing\.Process"
    r"|child_process\.\w{2,20}|Runtime\.getRuntime)\b"
)
_PROCESS_BARE = (
    r"(?<![\w.])((?:Popen|check_output|check_call|getoutput|create_subprocess_(?:exec|shell)|execSync|"
    r"spawnSync))\s{0,8}\("
)
_PROCESS_NATIVE = (
    r"(?<![A-Za-z])((?:CreateProcess(?:AsUser|WithTokenW|WithLogonW)?|ShellExecute(?:Ex)?|WinExec|"
    r"CreateRemoteThread(?:Ex)?|"
    r"VirtualAllocEx?|WriteProcessMemory|NtCreateThreadEx|QueueUserAPC|RtlMoveMemory|CreateThread|"
    r"SetThreadContext)[AW]?)"
    r"(?![A-Za-z])"
)
_PROCESS_SHELL = (
    r"(?i:(?<![\w-])(Start-Process|Invoke-Item|wscript\.shell|schtasks(?:\.exe)?\s{1,4}/create|mshta(?:\.exe)?\s))"
)

_NETWORK = (
    r"(?<![\w.])((?:urllib2?|urllib\.request|request)\.(?:urlopen|urlretrieve|Request)"
    r"|(?:requests|httpx|session|aiohttp)\.(?:get|post|put|patch|request|head|Session|ClientSession|AsyncClient|"
    r"Client|stream)"
    r"|socket\.(?:socket|create_connection|gethostbyname|getaddrinfo|gethostname)|http\.client\.HTTPS?Connection"
    r"|ftplib\.FTP(?:_TLS)?|smtplib\.SMTP(?:_SSL)?|paramiko\.SSHClient|websockets?\.(?:connect|"
    r"create_connection|WebSocketApp)"
    r"|urllib3\.PoolManager|wget\.download|asyncio\.open_connection|dns\.resolver|telnetlib\.Telnet)\b"
)
_NETWORK_BARE = (
    r"(?<![\w.])((?:urlopen|urlretrieve|HTTPS?Connection|create_connection|XMLHttpRequest|ClientSession))\s{0,8}\("
)
_NETWORK_SHELL = (
    r"(?i:(?<![\w./-])(curl|wget|ncat|Invoke-WebRequest|Invoke-RestMethod|iwr|bitsadmin|certutil|Start-BitsTransfer)"
    r"(?:\.exe)?(?=\s{1,4}[-\"'/$\w]))"
)
_NETWORK_NATIVE = (
    r"(?<![A-Za-z])((?:URLDownloadToFile|InternetOpen(?:Url)?|InternetConnect|HttpSendRequest|WinHttpOpen|"
    r"WinHttpConnect|"
    r"WSAStartup|WSASocket)[AW]?|Net\.WebClient|DownloadString|DownloadFile|DownloadData)(?![A-Za-z])"
)

_EXEC = r"(?<![\w.])(?:builtins\.|__builtins__\.)?(exec|eval|compile|execfile)\s{0,8}\("
_EXEC_OTHER = (
    r"(?i:(?<![\w-])(IEX|Invoke-Expression)(?![\w-]))|(?<![\w.])((?:marshal|pickle|cloudpickle|dill)\.loads?|"
    r"runpy\.run_\w{4,8}|types\.FunctionType|new Function)\b"
)

_URL = rf"(?i:(?<![A-Za-z])(?:https?|wss?|ftps?|tftp|ssh|smb|tcp|udp)|(?<![A-Za-z])hxxps?)://{_TEXT}{{3,2048}}+"

_TLDS = _words(
    *(
        "com net org info biz io co me us uk de fr nl ru su cn jp kr in br it es pl eu ch at be se no fi dk cz ro ua "
        "by kz ir tr vn id my sg hk tw au nz ca mx ar cl za ng ke il ae xyz top site online club shop store live fun "
        "icu vip pro app dev page cc tv ws tk ml ga cf gq pw gg ly to ai im la lol rip cloud space website tech host "
        "press work link click win bid date stream download review party trade life world today email zone agency "
        "digital network group software systems solutions onion"
    ).split()
)
_HOST = rf"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.){{1,8}}(?:{_TLDS})"
_DOMAIN_QUOTED = rf"(?<=[\"'`])({_HOST})(?=[\"'`:/?])"
_DOMAIN_BARE = rf"(?<![\w.@/\\-])({_HOST})(?![\w.(=-])"

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?<![\w.])({_OCTET}(?:\.{_OCTET}){{3}})(?![\w-])(?!\.\w)"
_IPV6 = r"(?<![\w:.])((?i:[23][0-9a-f]{3}|f[cde][0-9a-f]{2})(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:.])"
_PORT = rf"(?<![\w.-])(?:{_HOST}|{_OCTET}(?:\.{_OCTET}){{3}}|localhost):(\d{{2,5}})(?![\w.:])"
_PORT_PAIR = (
    r"\(\s{0,8}\(\s{0,8}(?:[\"'][^\"'\n]{1,253}[\"']|"
    r"[A-Za-z_]\w{0,40})\s{0,8},\s{0,8}(\d{1,5})\s{0,8}\)\s{0,8}[,)]"
)
_PORT_NAMED = r"(?i:(?<![a-z])l?port\s{0,4}[=:]\s{0,4}(\d{2,5}))(?!\w)"
_PORT_TCP = r"/dev/(?:tcp|udp)/[\w.${}-]{1,253}/(\d{1,5})(?!\d)"

_PATH = (
    r"(?i:(?<![a-z0-9])(?:"
    r"/etc/(?:passwd|shadow|sudoers|hosts|crontab|cron\.(?:d|daily|hourly)|profile(?:\.d)?|rc\.local|"
    r"ld\.so\.preload|ssh|"
    r"systemd/system|kubernetes(?:/[\w./-]{1,60}+)?|environment|resolv\.conf|machine-id)(?![\w])"
    r"|/proc/(?:self|\d{1,7}|[*])/(?:environ|maps|mem|cmdline)|/var/run/docker\.sock|/run/docker\.sock"
    r"|/var/run/secrets/kubernetes\.io(?:/[\w./-]{1,60}+)?|/var/spool/cron(?:/[\w./-]{1,40}+)?|/root/\.\w{2,20}"
    r"|/library/launch(?:agents|daemons)|/usr/local/etc/[\w.-]{1,40}+"
    r"))"
)
_PATH_HOME = (
    r"(?i:(?<![a-z0-9])(?:"
    r"\.ssh(?:[\\/]{1,4}(?:id_\w{2,12}|authorized_keys2?|known_hosts|config|\*|environment))?(?![\w-])"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)(?![a-z0-9])"
    r"|\.(?:aws|azure|gcloud|kube|docker|gnupg|terraform\.d|password-store|putty)(?:[\\/]{1,4}[\w.-]{2,40}+)?(?![\w-])"
    r"|\.config[\\/]{1,4}(?:gcloud|gh|hub|solana|systemd|autostart|google-chrome|chromium|BraveSoftware|helm|"
    r"rclone)(?:[\\/]{1,4}[\w.-]{1,40}+){0,3}"
    r"|\.(?:npmrc|pypirc|netrc|pgpass|my\.cnf|mysql_history|psql_history|bash_history|zsh_history|"
    r"python_history|git-credentials|"
    r"gitconfig|bashrc|bash_profile|zshrc|vault-token|dockercfg|boto|s3cfg|htpasswd)(?![\w-])"
    r"|(?<=[\"'/\\ ])\.env(?:\.(?:local|production|development|staging))?(?=[\"'\s,;)*]|$)"
    r"|application_default_credentials\.json|credentials\.db|service[_-]account\.json|kubeconfig(?!\w)|"
    r"terraform\.tfstate"
    r"|tfvars(?!\w)|wp-config\.php"
    r"))"
)
_PATH_BROWSER = (
    r"(?:Login Data(?: For Account)?|Web Data|Local State|(?<=[\"'\\/])Cookies(?=[\"'\\/])|logins\.json|"
    r"key[34]\.db|cookies\.sqlite|"
    r"signons\.sqlite|formhistory\.sqlite|Local Extension Settings|Login Keychain|login\.keychain(?:-db)?|"
    r"User Data[\\/]{1,4}Default|Network[\\/]{1,4}Cookies|BraveSoftware[\\/]{1,4}Brave-Browser|"
    r"Opera Software[\\/]{1,4}Opera (?:Stable|GX Stable)|Google[\\/]{1,4}Chrome|Yandex[\\/]{1,4}YandexBrowser|"
    r"Microsoft[\\/]{1,4}Edge|(?:Mozilla[\\/]{1,4})?Firefox[\\/]{1,4}Profiles)"
)
_PATH_WALLET = (
    r"(?:(?i:wallet\.dat|(?:exodus[\\/]{1,4})?exodus\.wallet|electrum[\\/]{1,4}wallets|\.electrum(?!\w)|"
    r"atomic[\\/]{1,4}local storage|"
    r"ethereum[\\/]{1,4}keystore|\.bitcoin(?!\w)|\.ethereum(?!\w)|\.solana(?!\w)|\.config[\\/]solana[\\/]id\.json|"
    r"com\.liberty\.jaxx|guarda[\\/]{1,4}local storage|"
    r"ledger live(?!\w)|coinomi[\\/]{1,4}coinomi|armory(?=[\"'\\])|zcash(?=[\"'\\])|bytecoin(?=[\"'\\])|"
    r"multidoge(?!\w)|"
    r"validator-keypair\.json|\.cardano(?!\w)|\.litecoin(?!\w)|\.dogecoin(?!\w)|\.monero(?!\w))|"
    r"nkbihfbeogaeaoehlefnkodbefgpgknn|ejbalbakoplchlghecdalmeeeajnimhm|ibnejdfjmmkpcnlpebklmnkoeoihofec|"
    r"fhbohimaelbohpjbbldcngcnapndodjp|bfnaelmomeimhlpmgjnjophhpkkoljpa|hnfanknocfeofbddgcijnmhnfnkdnaad|"
    r"fnjhmkhhmkbjkkabndcnnogagogbneec|aholpfdialjgjfhomihkjbmgjidlcdno|egjidjbpglichdcondbcbdnbeeppgdph|"
    r"dmkamcknogkgcdfhhbddcghachkejeap|hifafgmccdpekplomjjkcfgodnhcellj|aiifbnbfobpmeekipheeijimdpnlpgpp)"
)
"""Wallet programs, and the browser store's ids of MetaMask (two stores), TronLink, Binance, Phantom, Coinbase, Ronin,
Exodus Web3, Trust Wallet, Keplr, Crypto.com and Terra Station."""
_PATH_APPS = (
    r"(?i:(?<!\w)(?:tdata(?=[\"'\\/])|(?:telegram desktop)|discord(?:canary|ptb)?[\\/]{1,4}local storage|"
    r"(?:discord|discordcanary|discordptb|lightcord)(?=[\"'][ ,)\]}])|local storage[\\/]{1,4}leveldb|"
    r"leveldb(?=[\"'\\/])|"
    r"steam[\\/]{1,4}config|loginusers\.vdf|filezilla[\\/]{1,4}\w{4,20}\.xml|recentservers\.xml|sitemanager\.xml|"
    r"\.minecraft(?:[\\/]{1,4}[\w.-]{2,40}+)?|launcher_accounts\.json|roblox(?:studio)?browser|"
    r"nordvpn(?=[\"'\\/])|protonvpn(?=[\"'\\/])|"
    r"microsoft[\\/]{1,4}windows[\\/]{1,4}start menu[\\/]{1,4}programs[\\/]{1,4}startup|shell:startup|"
    r"software[\\/]{1,4}microsoft[\\/]{1,4}windows[\\/]{1,4}currentversion[\\/]{1,4}run(?:once)?|"
    r"windows[\\/]{1,4}system32[\\/]{1,4}(?:drivers[\\/]{1,4}etc[\\/]{1,4}hosts|tasks)|"
    r"launch(?:agents|daemons)(?=[\"'\\/])|systemd[\\/]user|\.config[\\/]autostart|sitecustomize\.py|usercustomize\.py|"
    r"docker\.sock|cookies\.binarycookies))"
)
_WALLET_NEEDLES = (
    "wallet|electrum|atomic|ethereum|.bitcoin|.solana|solana|liberty|guarda|ledger|coinomi|armory|zcash|bytecoin|"
    "multidoge|keypair|.cardano|.litecoin|.dogecoin|.monero|nkbih|ejbal|ibnej|fhboh|bfnae|hnfan|fnjhm|aholp|egjid|"
    "dmkam|hifaf|aiifb"
)
_METADATA = (
    r"(?<![\w.])(169\.254\.169\.254|169\.254\.170\.2|metadata\.google\.internal|100\.100\.100\.200|"
    r"fd00:ec2::254)(?![\w.])"
)

_ENV_PYTHON = (
    r"(?:environ(?:b)?(?:\.get|\.pop|\.setdefault)?\s{0,4}[\[(]|"
    r"getenv\s{0,4}\()\s{0,4}b?[\"']([A-Za-z_][A-Za-z0-9_]{0,80})[\"']"
)
_ENV_SHELL = r"(?i:\$\{?env:([a-z_][a-z0-9_()]{1,60}))"
_ENV_BATCH = (
    r"(?i:%((?:local)?appdata|userprofile|username|computername|temp|tmp|programdata|programfiles|homepath|"
    r"windir|systemroot|public|comspec)%)"
)
_ENV_JAVASCRIPT = r"process\.env\.([A-Za-z_]\w{1,60})"
_ENV_NAMES = (
    r"(?<![A-Za-z0-9_-])((?:AWS|AZURE|ARM|GCP|GOOGLE|OPENAI|ANTHROPIC|GITHUB|GITLAB|CI_JOB|NPM|PYPI|TWINE|"
    r"DOCKER|KUBE|VAULT|HEROKU|"
    r"SLACK|STRIPE|TWILIO|HF|HUGGING|DATABASE|POSTGRES|MYSQL|REDIS|MONGO|DISCORD|TELEGRAM|SENDGRID|DATADOG|CLOUDFLARE|"
    r"DIGITALOCEAN)(?:_[A-Z0-9]{1,24}){0,4}_(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD|KEY_ID|CREDENTIALS|URL|URI|"
    r"AUTH|PROFILE|REGION|"
    r"CLIENT_SECRET|CLIENT_ID|ACCOUNT_ID|WEBHOOK)|[A-Z][A-Z0-9]{1,24}(?:_[A-Z0-9]{1,24}){0,4}_(?:API_KEY|TOKEN|"
    r"SECRET|SECRET_KEY|"
    r"ACCESS_KEY|PASSWORD|PRIVATE_KEY|PASSPHRASE)|KUBECONFIG|GH_TOKEN|SSH_AUTH_SOCK|LD_PRELOAD)(?![A-Za-z0-9_])"
)

_TOKEN = (
    r"(?<![A-Za-z0-9_-])((?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|gh[pousr]_[A-Za-z0-9]{36,255}+|"
    r"github_pat_[A-Za-z0-9_]{40,255}+"
    r"|glpat-[A-Za-z0-9_-]{20,64}+|xox[abprse]-[A-Za-z0-9-]{10,250}+|sk-(?:ant-|proj-|live_)?[A-Za-z0-9_-]{32,200}+"
    r"|[sr]k_live_[A-Za-z0-9]{20,100}+|AIza[A-Za-z0-9_-]{35}(?![\w-])|npm_[A-Za-z0-9]{36}(?!\w)|"
    r"pypi-AgEI[A-Za-z0-9_-]{16,500}+"
    r"|hf_[A-Za-z0-9]{30,60}+|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|dop_v1_[0-9a-f]{64}"
    r"|eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{10,1000}+"
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![\w-])|mfa\.[A-Za-z0-9_-]{84}"
    r"|(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-]))"
)

_WEBHOOK = (
    r"(?i:(?:https?://)?(?:(?:ptb\.|canary\.)?discord(?:app)?\.com/api(?:/v\d{1,2})?/webhooks/[\w%{}./-]{0,200}+"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[\w/{}-]{0,200}+|"
    r"api\.telegram\.org(?:/bot[\w:{}%+$-]{0,80}+(?:/\w{3,30})?)?"
    r"|(?:outlook\.office(?:365)?|webhook\.office)\.com/webhook[\w@/-]{0,200}+|open\.feishu\.cn/open-apis/bot[\w/-]{0,100}+"
    r"|oapi\.dingtalk\.com/robot[\w/?=-]{0,100}+|qyapi\.weixin\.qq\.com/cgi-bin/webhook[\w/?=-]{0,100}+"
    r"|maker\.ifttt\.com/trigger[\w/{}-]{0,100}+|discord\.com/api/v\d{1,2}/users/@me))"
)
_EXFIL_SERVICES = (
    r"(?i:(?<![\w-])(?:webhook\.site|requestbin\.(?:com|net|io)|pipedream\.net|requestcatcher\.com|"
    r"ngrok\.io|ngrok-free\.app|ngrok\.app|trycloudflare\.com|loca\.lt|serveo\.net|localhost\.run|oastify\.com|"
    r"oast\.(?:pro|live|site|online|fun|me)|interact\.sh|burpcollaborator\.net|dnslog\.cn|ceye\.io|"
    r"canarytokens\.com|beeceptor\.com|"
    r"mockbin\.(?:org|io)|hookbin\.com|postb\.in|ptsv[23]\.com|eyes\.sh|dnsbin\.zhack\.ca|bxss\.me|transfer\.sh|"
    r"file\.io|gofile\.io|"
    r"anonfiles\.com|0x0\.st|catbox\.moe|temp\.sh|bashupload\.com|termbin\.com|store\d{0,2}\.gofile\.io|"
    r"ipify\.org|ipinfo\.io|"
    r"ip-api\.com|ifconfig\.me|icanhazip\.com|checkip\.amazonaws\.com|"
    r"pastebin\.com|hastebin\.com|rentry\.co|paste\.ee|ix\.io|dpaste\.(?:org|com)|ghostbin\.\w{2,5}|"
    r"duckdns\.org|no-ip\.\w{2,4}|"
    r"serveousercontent\.com)(?![\w.-]*+\())"
)
_EXFIL_NEEDLES = (
    "webhook.site|requestbin|pipedream|requestcatcher|ngrok|trycloudflare|loca.lt|serveo|localhost.run|oastify|"
    "oast.|interact.sh|burpcollab|dnslog|ceye.io|canarytokens|beeceptor|mockbin|hookbin|postb.in|ptsv|eyes.sh|"
    "zhack|bxss|transfer.sh|file.io|anonfiles|0x0.st|catbox|temp.sh|bashupload|termbin|ipify|ipinfo|ip-api|"
    "ifconfig|icanhazip|checkip|pastebin|hastebin|rentry|paste.ee|ix.io|dpaste|ghostbin|duckdns|no-ip"
)
"""Public services that collect or relay what is sent to them, hand out files, or tell the caller's address."""

_SHELL = (
    r"(?:\|[ \t]{0,4}(?:sudo[ \t]{1,4})?(?:/(?:usr/)?bin/)?(?:ba|z|da|k)?sh(?![\w.=/-])"
    r"|\|[ \t]{0,4}(?:python[23]?|perl|node|php|ruby)(?![\w.=/])(?=[ \t\"'`;)]|$)"
    r"|(?<![\w-])(?:chmod[ \t]{1,4}(?:-R[ \t]{1,4})?(?:[ugoa]{0,4}\+[rwxst]{1,4}|0?[0-7]{3,4})(?!\w)"
    r"|rm[ \t]{1,4}-(?:rf|fr|r|f)[ \t]|nohup[ \t]{1,4}[\w./~$\"'-]|crontab[ \t]{1,4}-|"
    r"(?:ba|z)?sh[ \t]{1,4}-(?:i|c)(?![\w-])|mkfifo[ \t]{1,4}[/\w]|nc(?:at)?[ \t]{1,4}-\w{0,6}[elnp]|"
    r"systemctl[ \t]{1,4}"
    r"(?:--user[ \t]{1,4})?(?:enable|start|daemon-reload)|launchctl[ \t]{1,4}(?:load|bootstrap|submit)|"
    r"base64[ \t]{1,4}-(?:d|D|-decode)|"
    r"curl[ \t]{1,4}-[\w -]{0,60}?[oO](?![\w-])|wget[ \t]{1,4}-[\w -]{0,60}?[OqP](?![\w-])|xattr[ \t]{1,4}-|"
    r"osascript[ \t]{1,4}-|"
    r"pip3?[ \t]{1,4}install[ \t]{1,4}[\w.\[\]=<>+:/-]{1,120}+|sudo[ \t]{1,4}-\w|kill(?:all)?[ \t]{1,4}-9|"
    r"openssl[ \t]{1,4}(?:enc|rand|rsautl|pkeyutl)|tar[ \t]{1,4}-?[czxvf]{2,5}[ \t])"
    r"|/dev/(?:tcp|udp)/[\w.${}-]{1,253}(?:/\d{1,5})?)"
)
_SHELL_WINDOWS = (
    r"(?i:(?<![\w.-])(?:powershell|pwsh)(?:\.exe)?[\"']?[ \t,]{1,4}[\"']?-[\w /-]{0,80}?(?:e|ec|enc|"
    r"encodedcommand|w|windowstyle|nop|"
    r"noprofile|c|command|ep|executionpolicy)(?![\w-])"
    r"|(?<![\w-])(?:cmd(?:\.exe)? {1,4}/[ck]|reg(?:\.exe)? {1,4}(?:add|save|query)|"
    r"schtasks(?:\.exe)?[ \t]{1,4}/\w{3,8}|"
    r"taskkill(?:\.exe)?[ \t]{1,4}/\w{1,3}|certutil(?:\.exe)?[ \t]{1,4}-\w{4,12}|"
    r"bitsadmin(?:\.exe)?[ \t]{1,4}/\w{4,10}|"
    r"net(?:\.exe)? user[ \t]|netsh[ \t]{1,4}(?:wlan|advfirewall|firewall)|wmic[ \t]{1,4}\w{2,20}|"
    r"attrib[ \t]{1,4}\+[hsr]|"
    r"vssadmin[ \t]{1,4}delete|rundll32(?:\.exe)?[ \t]|regsvr32(?:\.exe)?[ \t]|Add-MpPreference[ \t]|"
    r"Set-MpPreference[ \t]))"
)


def _pattern(kind: str, expression: str, needles: str = "", *, binary: bool = False) -> Pattern:
    words = tuple(needle.encode("ascii") for needle in needles.split("|") if needle)
    return Pattern(kind, regex(expression.encode("ascii"), re.MULTILINE), words, binary)


PATTERNS: tuple[Pattern, ...] = (
    _pattern("process", _PROCESS, "os.|posix.|nt.|subprocess|pty.|commands.|child_process|runtime.|process"),
    _pattern("process", _PROCESS_BARE, "popen|check_|getoutput|create_subprocess|sync"),
    _pattern(
        "process",
        _PROCESS_NATIVE,
        "createprocess|shellexecute|winexec|thread|virtualalloc|processmemory|queueuser|rtlmove",
        binary=True,
    ),
    _pattern("process", _PROCESS_SHELL, "start-process|invoke-item|wscript|schtasks|mshta"),
    _pattern(
        "network",
        _NETWORK,
        "urllib|request|httpx|session|aiohttp|socket|http.|ftplib|smtplib|paramiko|wget.|open_connection|dns.|"
        "telnetlib",
    ),
    _pattern("network", _NETWORK_BARE, "urlopen|urlretrieve|connection|xmlhttp|clientsession"),
    _pattern("network", _NETWORK_SHELL, "curl|wget|ncat|invoke-|iwr|bitsadmin|certutil|start-bits"),
    _pattern("network", _NETWORK_NATIVE, "urldownload|internet|http|wsas|webclient|download", binary=True),
    _pattern("exec", _EXEC, "exec|eval|compile"),
    _pattern("exec", _EXEC_OTHER, "iex|invoke-e|marshal.|pickle.|dill.|runpy.|types.f|new function"),
    _pattern("url", _URL, "://", binary=True),
    _pattern("ip", _IPV4, binary=True),
    _pattern("ip", _IPV6, "2001:|:2|:0|::|fe80|fd|fc"),
    _pattern("port", _PORT, ":8|:4|:1|:2|:3|:5|:6|:7|:9"),
    _pattern("port", _PORT_PAIR, "connect|bind|sendto|address"),
    _pattern("port", _PORT_NAMED, "port=|port =|port:|port :"),
    _pattern("port", _PORT_TCP, "/dev/", binary=True),
    _pattern("path", _PATH, "/etc/|/proc/|/run/|/cron|/root/.|/launch|/usr/local/etc", binary=True),
    _pattern(
        "path",
        _PATH_HOME,
        ".ssh|id_rsa|id_dsa|id_e|.aws|.azure|.gcloud|.kube|.docker|.gnupg|.terraform|.password|.putty|.config|"
        ".npmrc|.pypirc|.netrc|.pgpass|.my.cnf|_history|.git-cred|.gitconfig|.bash|.zshrc|.vault|.boto|.s3cfg|"
        ".htpasswd|.env|credentials|account.json|kubeconfig|tfstate|tfvars|wp-config",
        binary=True,
    ),
    _pattern(
        "path",
        _PATH_BROWSER,
        "login data|web data|local state|cookies|logins.json|key3.db|key4.db|.sqlite|extension settings|keychain|"
        "user data|bravesoftware|opera software|chrome|yandex|microsoft|firefox",
        binary=True,
    ),
    _pattern("path", _PATH_WALLET, _WALLET_NEEDLES, binary=True),
    _pattern(
        "path",
        _PATH_APPS,
        "tdata|telegram desktop|discord|lightcord|leveldb|config|loginusers|filezilla|recentservers|sitemanager|"
        ".minecraft|launcher_|roblox|nordvpn|protonvpn|startup|currentversion|system32|launchagents|launchdaemons|"
        "systemd|autostart|customize.py|docker.sock|binarycookies",
        binary=True,
    ),
    _pattern("path", _METADATA, "169.254.|metadata.google|100.100.100|fd00:ec2", binary=True),
    _pattern("environment", _ENV_PYTHON, "environ|getenv"),
    _pattern("environment", _ENV_SHELL, "env:"),
    _pattern("environment", _ENV_BATCH, "appdata%|user|%computer|%te|%tm|%pr|%ho|%win|%sys|%pu|%com", binary=True),
    _pattern("environment", _ENV_JAVASCRIPT, "process.env"),
    _pattern(
        "environment",
        _ENV_NAMES,
        "_key|_token|_secret|_pass|_pwd|_credentials|_ur|_auth|_profile|_region|_client|_account|_webhook|"
        "kubeconfig|ssh_auth|ld_preload",
        binary=True,
    ),
    _pattern("token", _TOKEN, binary=True),
    _pattern(
        "webhook",
        _WEBHOOK,
        "discord|hooks.slack|telegram|outlook.office|webhook.office|feishu|dingtalk|weixin|ifttt",
        binary=True,
    ),
    _pattern("webhook", _EXFIL_SERVICES, _EXFIL_NEEDLES, binary=True),
    _pattern("shell", _SHELL, binary=True),
    _pattern(
        "shell",
        _SHELL_WINDOWS,
        "powershell|pwsh|cmd |cmd.exe|reg |reg.exe|schtasks|taskkill|certutil|bitsadmin|net user|net.exe user|"
        "netsh|wmic|attrib|vssadmin|rundll|regsvr|mppreference",
        binary=True,
    ),
)

DOMAIN_QUOTED = _pattern("domain", _DOMAIN_QUOTED, ".")
"""In program text a host is taken from the start of a string only: `self.io` is an attribute."""

DOMAIN_BARE = _pattern("domain", _DOMAIN_BARE, ".")

FETCH = _pattern("network", r"(?<![\w.])(fetch)\s{0,8}\(", "fetch")
"""A browser's function; in Python any function may be called so."""

ENCODED = regex(rb"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{60,}+={0,2}")
"""A run that may be base64 or hex."""

ENCODED_ESCAPES = regex(rb"(?:\\x[0-9a-fA-F]{2}){24,}+")
ENCODED_INTEGERS = regex(rb"(?<![\w,])(?:\d{1,3}[ \t\r\n]{0,8},[ \t\r\n]{0,8}){40,}+")
