"""What a command line or a script says by itself: downloads that are run, shells opened, traces left and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydepgate.regex import regex

SIGNALS: Final = {
    "process.download-and-run": "a command downloads something and runs it",
    "process.decoded-shell": "a command decodes text and hands it to a shell",
    "process.hidden-powershell": "PowerShell is started without a window",
    "process.policy-bypass": "PowerShell is started without its check of scripts",
    "process.recon-sent": "what a command says of the user or the machine is sent by another",
    "process.reverse-shell": "a command opens a shell to another machine",
    "persist.scheduled-task": "a task is scheduled",
    "persist.cron": "a crontab is changed",
    "persist.run-key": "a command enters a program in a Run key of the registry",
    "persist.service": "a service is installed",
    "persist.profile-line": "a command appends a line to a shell's start file",
    "persist.authorized-keys": "a command adds a key to those that may log in over SSH",
    "persist.account": "an account is created",
    "privilege.defender-off": "virus protection or the firewall is switched off, or told to look away",
    "privilege.uac-bypass": "a known way around Windows' question for elevation is used",
    "privilege.elevation": "administrator rights are asked for",
    "damage.shadow-copies": "backups of the system are deleted, or it is told not to repair itself",
    "damage.deletes-everything": "a command deletes a home, system or root directory, or formats a disk",
    "damage.shutdown": "the machine is shut down or restarted",
    "damage.kills-process": "a command ends other programs",
    "damage.fork-bomb": "a command starts itself without end",
    "evasion.hidden-file": "a command hides a file",
    "evasion.clears-logs": "logs are cleared",
    "evasion.vm-command": "a command asks what hardware, or virtual machine, this is",
    "evasion.deletes-itself": "a command deletes the program that starts it",
    "miner.command": "a cryptocurrency miner is started or set up",
}

_SHELL: Final = r"(?:ba|z|da|k)?sh\b"
_TO_INTERPRETER: Final = rf"\|\s*(?:sudo\s+)?(?:{_SHELL}|(?:python[\d.]*|perl|ruby|node|php)\b)"
_FETCHES: Final = r"\b(?:downloadstring|iwr|invoke-webrequest|invoke-restmethod|irm|curl|wget)\b"
_FROM_SHELL: Final = r"\b(?:ba|z|da)?sh\b\s+(?:-c\s+[\"']?\$\(|<\()"

_PATTERNS: Final = (
    (
        "process.download-and-run",
        rf"""
        \b(?:curl|wget|fetch)\b[^|;&\n]{{1,400}}{_TO_INTERPRETER}
        | \b(?:curl|wget)\b.{{1,600}}?(?:&&|;|\n|&)\s*(?:sudo\s+)?
          (?:chmod\s+\S+|(?:ba|z)?sh\s|pyw?\s|python[\w.]*\s|start\s|\./|%\w+%|/tmp/|msiexec)
        | {_FROM_SHELL}\s*(?:curl|wget)
        | \beval\s+["']?(?:\$\(|`)\s*(?:curl|wget) | \bsource\s+<\(\s*(?:curl|wget)
        | \b(?:iex|invoke-expression)\b.{{0,400}}{_FETCHES}
        | \b(?:downloadstring|iwr|invoke-webrequest|invoke-restmethod|irm)\b.{{0,600}}
          (?:\b(?:iex|invoke-expression|start-process|invoke-item|saps|start)\b|\|\s*iex|;\s*(?:&|\.\\|\$env:))
        | \b(?:downloadfile|start-bitstransfer)\b.{{1,600}}\b(?:start-process|invoke-item|start|iex|saps)\b
        | \b(?:mshta|regsvr32|msiexec|rundll32|installutil)\b.{{0,80}}(?:https?:|\\\\[\w.]+\\)
        | \bcertutil\b.{{0,80}}-urlcache\b | \bbitsadmin\b.{{0,80}}/transfer\b
        | \bpython[\d.]*w?\b.{{0,40}}\s-c\b.{{0,300}}(?:exec|eval)\s*\(.{{0,200}}(?:urlopen|requests\.get)
        """,
    ),
    (
        "process.decoded-shell",
        rf"""
        \bbase64\s+(?:-d|-D|--decode)\b[^;&\n]{{0,200}}{_TO_INTERPRETER}
        | \bxxd\s+-r\b[^;&\n]{{0,200}}{_TO_INTERPRETER}
        | \bopenssl\s+(?:enc|base64)\b[^;&\n]{{0,200}}{_TO_INTERPRETER}
        | {_FROM_SHELL}\s*(?:echo|printf)\b.{{0,8000}}?\bbase64\s+(?:-d|-D|--decode)
        | \bfrombase64string\b.{{0,8000}}\b(?:iex|invoke-expression)\b
        | \b(?:iex|invoke-expression)\b.{{0,8000}}\bfrombase64string\b
        """,
    ),
    (
        "process.hidden-powershell",
        r"""
        \b(?:powershell|pwsh)\b.{0,200}?\s-w(?:i|in|ind|indo|indow|indows|indowst\w*)?\s+(?:h|hi|hid|hidd\w*|1)\b
        | \bstart-process\b.{0,400}-windowstyle\s+hidden
        """,
    ),
    (
        "process.policy-bypass",
        r"\b(?:powershell|pwsh)\b.{0,200}?\s-e(?:p|x|xec|xecutionpolicy)\s+(?:bypass|unrestricted)\b",
    ),
    (
        "process.recon-sent",
        r"""
        \b(?:curl|wget|dig|nslookup|ping|host)\b.{0,400}?(?:\$\(|`)\s*
        (?:whoami|id|hostname|uname|env|printenv|pwd|ls|cat|ip|ifconfig|ps|set|base64)\b
        | \b(?:curl|wget)\b.{0,200}?(?:-d|--data\S*|-F|-T|--upload-file|--post-file)[\s=]*["']?
          (?:\w+=)?@?["']?(?:/etc/|~/|/proc/|/root|%userprofile%)
        | \b(?:whoami|hostname|env|printenv|ipconfig|systeminfo|cat\s\S+|ls\b[^|;]{0,60})\s*
          \|[^;\n]{0,200}\b(?:curl|wget|nc|ncat)\b
        | \b(?:curl|wget|nslookup|ping)\b.{0,200}%(?:username|userdomain|computername|userprofile)%
        """,
    ),
    (
        "process.reverse-shell",
        r"""
        /dev/(?:tcp|udp)/[\w.$%{\x00-]+/
        | \bn(?:c|cat|etcat)\b.{0,80}\s(?:-\w*[ec]\w*|--exec|--sh-exec)\s+\S*(?:sh|cmd(?:\.exe)?)\b
        | \bbash\s+-i\b.{0,40}>&|\bmkfifo\b.{0,200}\b(?:nc|ncat|netcat|telnet|openssl)\b
        | \bsocat\b.{0,200}\bexec: | \bperl\b.{0,40}\bsocket\b.{0,400}\bexec\b | \bruby\b.{0,80}tcpsocket
        | \bphp\b.{0,40}fsockopen | \bsystem\.net\.sockets\.tcpclient\b | \bchisel\s+client\b
        | \btelnet\b.{0,80}\|\s*\S*sh\b
        """,
    ),
    ("persist.scheduled-task", r"\bschtasks\b.{0,400}/create\b|\b(?:register|new|set)-scheduledtask|\bat\s+now\b"),
    ("persist.cron", r"\|\s*(?:sudo\s+)?crontab\b|\bcrontab\s+(?!-[lreu]\b)\S+|>>?\s*/(?:etc/cron|var/spool/cron)"),
    (
        "persist.run-key",
        r"""
        \breg(?:\.exe)?\s+add\b.{0,300}currentversion\\+run
        | \b(?:set|new)-itemproperty\b.{0,300}currentversion\\+run
        """,
    ),
    (
        "persist.service",
        r"""
        \bsystemctl\b[^;&|]{0,60}\benable\b | \bsc\s+create\b | \blaunchctl\s+(?:load|bootstrap|submit)
        | \bnew-service\b | \bupdate-rc\.d\b
        """,
    ),
    (
        "persist.profile-line",
        r">>\s*[\"']?\S*(?:\.bashrc|\.zshrc|\.profile|\.bash_profile|\.zprofile|/etc/rc\.local|/etc/profile)",
    ),
    ("persist.authorized-keys", r">>?\s*[\"']?\S*authorized_keys|\bssh-copy-id\b"),
    (
        "persist.account",
        r"""
        \bnet1?\s+user\b.{1,80}/add\b | \bnet1?\s+localgroup\b.{1,80}/add\b | \b(?:useradd|adduser)\b
        | \bnew-localuser\b
        """,
    ),
    (
        "privilege.defender-off",
        r"""
        \b(?:set|add)-mppreference\b | \bdisablerealtimemonitoring\b | \bdisableantispyware\b
        | \bnetsh\b.{0,60}firewall\b.{0,80}\b(?:off|disable)\b
        | \bsc\s+(?:stop|delete|config)\s+(?:windefend|wscsvc|sense)\b
        | \bnet1?\s+stop\s+["']?(?:windefend|wscsvc|security\ center) | \bufw\s+disable\b | \bsetenforce\s+0\b
        | \bremove-mpthreat\b | \bcsrutil\s+disable\b | \bspctl\s+--master-disable\b
        | \bmpcmdrun\b.{0,80}-removedefinitions
        """,
    ),
    (
        "privilege.uac-bypass",
        r"\b(?:fodhelper|computerdefaults|sdclt|eventvwr|slui|wsreset|cmstp)(?:\.exe)?\b|ms-settings\\+shell\\+open",
    ),
    (
        "privilege.elevation",
        r"\bstart-process\b.{0,400}-verb\s+[\"']?runas\b|\bwith\s+administrator\s+privileges\b",
    ),
    (
        "damage.shadow-copies",
        r"""
        \bvssadmin\b.{0,40}\bdelete\b | \bshadowcopy\b.{0,20}\bdelete\b | \bwbadmin\s+delete\b
        | \bbcdedit\b.{0,80}/set\b
        """,
    ),
    (
        "damage.deletes-everything",
        r"""
        \brm\s+(?:-\w+\s+|--\S+\s+)*-\w*[rR]\w*\s+(?:-\S+\s+)*["']?
          (?:/|~|\$home|/\*|~/\*|/home|/root|/etc|/usr|/var|/bin|/boot|\$\{home\})/?["']?(?:\s|;|&|$)
        | \brm\b.{0,40}--no-preserve-root
        | \b(?:del|erase)\b(?:\s+/\w)+\s+["']?(?:[a-z]:\\?\*?(?:\.\*)?["']?(?:\s|;|&|$)|
          %(?:userprofile|systemroot|systemdrive|homepath)%\\?\*?["']?(?:\s|;|&|$))
        | \b(?:rd|rmdir)\b(?:\s+/\w)+\s+["']?
          (?:[a-z]:\\?["']?(?:\s|$)|%(?:userprofile|systemroot|systemdrive|homepath|windir)%["']?(?:\s|$))
        | \bformat\s+[a-z]:|\bmkfs(?:\.\w+)?\s+\S*/dev/|\bdd\b.{0,80}\bof=/dev/(?:sd|nvme|hd|vd|disk|mem)
        | >\s*/dev/(?:sd|nvme|hd|vd)[a-z] | \bcipher\s+/w:
        | \bremove-item\b.{0,80}(?:[a-z]:\\|\$home|\$env:userprofile)["']?\s.{0,60}-recurse
        | \bmv\s+(?:/|~|\$home)/?\*?\s+/dev/null
        """,
    ),
    (
        "damage.shutdown",
        r"""
        (?:^|[\s;&|"'(\\/])(?:shutdown(?:\.exe)?\s+(?:[-/](?:[srhpf]|t\s)|now\b|\+\d)
        |(?:stop|restart)-computer\b|systemctl\s+(?:poweroff|reboot|halt)\b)
        """,
    ),
    ("damage.kills-process", r"\btaskkill\b|\b(?:pkill|killall)\b|\bstop-process\b"),
    ("damage.fork-bomb", r":\(\)\s*\{\s*:\s*\|\s*:|%0\s*\|\s*%0"),
    ("evasion.hidden-file", r"\battrib\b.{0,40}\+[hs]\b|\bchflags\s+hidden\b"),
    (
        "evasion.clears-logs",
        r"\bwevtutil\s+(?:cl|clear-log)\b|\bhistory\s+-c\b|\bclear-eventlog\b|\bunset\s+histfile\b",
    ),
    (
        "evasion.vm-command",
        r"""
        \bsystemd-detect-virt\b | \bdmidecode\b | \bvirt-what\b
        | \bwmic\b.{0,60}\b(?:csproduct|computersystem|bios|baseboard|diskdrive|videocontroller|win32_\w+)\b
        """,
    ),
    (
        "evasion.deletes-itself",
        r"\b(?:ping|timeout)\b.{0,60}&\s*(?:del|erase)\b|\brm\s+(?:-\w+\s+)*[\"']?(?:\$0|__file__)",
    ),
    (
        "miner.command",
        r"""
        \bxmrig\b | stratum\+(?:tcp|ssl):// | --donate-level\b | \bcryptonight\b | --algo[=\ ](?:rx|cn|kawpow)/?
        | \b(?:minerd|cpuminer|ccminer|ethminer|nbminer|phoenixminer|lolminer|nanominer)\b
        """,
    ),
)
_COMPILED: Final = tuple((name, regex(pattern, re.I | re.S | re.X)) for name, pattern in _PATTERNS)

MAX_TEXT: Final = 20_000
"""Characters of a text that are read: the patterns look far ahead."""


def text_signals(text: str, /) -> Iterator[str]:
    """Yield what a command line, or a script's text, says by itself."""
    for name, pattern in _COMPILED:
        if pattern.search(text[:MAX_TEXT]):
            yield name
