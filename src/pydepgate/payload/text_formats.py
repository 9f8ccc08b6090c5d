"""Text formats told by their shape: scripts of several shells, JavaScript, markup, JSON, CSS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from pydepgate.regex import regex

HEAD_CHARACTERS = 64 * 1024
"""Characters at the start of a text that patterns are tried on."""

JSON_CHARACTERS = 1024 * 1024
"""A longer text that starts like JSON is judged by its head."""

_SHEBANG = regex(r"#![ \t]*+(\S++)(?:[ \t]++(?:-\S*+[ \t]++)*+(\S++))?")
_INTERPRETERS: tuple[tuple[str, str], ...] = (
    ("python", "python-source"), ("pypy", "python-source"), ("pwsh", "powershell"), ("powershell", "powershell"),
    ("node", "javascript"), ("bun", "javascript"), ("deno", "javascript"),
    ("bash", "shell-script"), ("zsh", "shell-script"), ("dash", "shell-script"), ("ksh", "shell-script"),
    ("ash", "shell-script"), ("fish", "shell-script"), ("sh", "shell-script"), ("busybox", "shell-script"),
)  # fmt: skip

_HTML = regex(r"<!doctype html|<(?:html|head|body|script|div|p|a|table|style|meta|h[1-6]|ul|span|img|form)[\s>/]")
_JSON_HEAD = regex(r'\s*+(?:\{\s*+"(?:[^"\\]|\\.)*+"\s*+:|\[\s*+(?:[\[{"\d-]|true|false|null))')

Evidence = tuple[re.Pattern[str], int]
"""A pattern and its weight; each counts once."""


def _evidence(*pairs: tuple[str, int], flags: int = 0) -> tuple[Evidence, ...]:
    return tuple((regex(pattern, re.MULTILINE | flags), weight) for pattern, weight in pairs)


_POWERSHELL = _evidence(
    (r"\b(?:powershell|pwsh)(?:\.exe)?[\"']?\s++(?:[^\n]{0,200}?\s)?-(?:e|ec|enc|encodedcommand|nop|"
     r"noprofile|w|windowstyle|"
     r"c|command|ep|ex|exec|executionpolicy|file|f)\b", 3),
    (r"\b(?:IEX|Invoke-Expression)\b", 3),
    (r"\b(?:Invoke-(?:WebRequest|RestMethod|Command|Item)|New-Object|Start-Process|Set-ExecutionPolicy|Get-Content|"
     r"Set-ItemProperty|Get-WmiObject|Get-ItemProperty|Add-MpPreference|Start-Sleep|Out-File|"
     r"Expand-Archive|Write-Host|"
     r"Write-Output|Test-Path|Remove-Item|Get-ChildItem|Copy-Item|Add-Type|Get-Process|Stop-Process|Join-Path|"
     r"ForEach-Object|Where-Object|Set-Location|ConvertTo-\w{3,20}|ConvertFrom-\w{3,20})\b", 2),
    (r"\[(?:System\.|Net\.|Convert\]::|Text\.Encoding\]::|Reflection\.|byte\[\]\]|IO\.)", 2),
    (r"^[ \t]*+\$[A-Za-z_]\w*+[ \t]*+=", 1),
    (r"\$env:\w", 2),
    (r"^[ \t]*+(?:function\s++[A-Z]\w++-\w++|param\s*+\(|\[CmdletBinding)", 2),
    (r"\s-(?:eq|ne|match|like|notmatch|ErrorAction|Force|Recurse|Uri|OutFile|UseBasicParsing|WindowStyle)\b", 1),
    flags=re.IGNORECASE,
)  # fmt: skip
_BATCH = _evidence(
    (r"^[ \t]*+@?echo[ \t]++off\b", 3),
    (r"^[ \t]*+@?(?:setlocal|endlocal|goto[ \t]++:?\w|rem[ \t]|pause[ \t]*+$|call[ \t]++\S|exit[ \t]++/b)", 1),
    (r"^[ \t]*+@?set[ \t]++(?:/[ap][ \t]++)?\"?\w++=", 1),
    (r"%\w{2,40}%|%~\w", 1),
    (r"^[ \t]*+@?if[ \t]++(?:not[ \t]++)?(?:exist|defined|errorlevel|\"%)", 1),
    (r"^[ \t]*+@?for[ \t]++/[fdlr][ \t]", 2),
    (r"^[ \t]*+@?(?:cmd(?:\.exe)?[ \t]++/[ck]|start[ \t]++(?:/\w++|\"\")|reg[ \t]++add|schtasks[ \t]++/|"
     r"taskkill[ \t]++/|"
     r"certutil[ \t]++-|bitsadmin[ \t]++/|mshta[ \t]|rundll32[ \t]|regsvr32[ \t]|attrib[ \t]++\+|"
     r"del[ \t]++/|xcopy[ \t])", 2),
    (r"^[ \t]*+:\w++[ \t]*+\r?$", 1),
    flags=re.IGNORECASE,
)  # fmt: skip
_SHELL = _evidence(
    (r"\|[ \t]*+(?:sudo[ \t]++)?(?:/(?:usr/)?bin/)?(?:ba|z|da|k)?sh\b(?![.\w])", 2),
    (r"(?:^|[;&|][ \t]*+|\$\(|sudo[ \t]++)[ \t]*+(?:curl|wget)[ \t]++(?:-\w|[\"']?https?:|\"?\$)", 2),
    (r"(?:^|[;&|][ \t]*+|sudo[ \t]++)[ \t]*+chmod[ \t]++(?:-R[ \t]++)?(?:[ugoa]*+\+[rwxst]|0?[0-7]{3}\b)", 2),
    (r"/dev/(?:tcp|udp)/", 2),
    (r"\b(?:ba|z)?sh[ \t]++-i\b|\bnc[ \t]++-\w*+e\b|\bmkfifo[ \t]", 2),
    (r"^[ \t]*+(?:if|while|until)[ \t]++(?:\[\[?[ \t]|!?[ \t]*+\w[^\n:]{0,200};[ \t]*+(?:then|do)\b)", 2),
    (r"^[ \t]*+(?:then|fi|done|esac)\b[ \t]*+(?:;|$|\||>)", 1),
    (r"^[ \t]*+for[ \t]++\w++[ \t]++in[ \t][^\n:]{0,300}(?:;[ \t]*+do\b|\n[ \t]*+do\b)", 2),
    (r"^[ \t]*+(?:export[ \t]++)?[A-Z_][A-Z0-9_]*+=(?:\"?\$[({A-Za-z]|`)", 2),
    (r"^[ \t]*+export[ \t]++[A-Za-z_]\w*+=", 2),
    (r"(?:^|[;&|][ \t]*+)[ \t]*+(?:sudo|apt-get|yum|brew|nohup|mkdir[ \t]++-p|rm[ \t]++-\w|source|echo|cd|"
     r"crontab|systemctl|"
     r"kill(?:all)?|cat|cp|mv|tar[ \t]++-?\w|uname|base64[ \t]++-|eval)[ \t]++[-\w\"'$/.~]", 1),
    (r"(?:&&|\|\|)[ \t]*+\S", 1),
    (r"\$\{?\w|\$\(", 1),
    (r">[ \t]*+/dev/null|2>&1", 2),
)  # fmt: skip
_JAVASCRIPT = _evidence(
    (r"\bfunction\s*+\*?\s*+[\w$]*+\s*+\([^()\n]{0,400}\)\s*+\{", 2),
    (r"^[ \t]*+(?:export\s++)?(?:const|let|var)\s++(?:[\w$]++|\{[^}\n]{0,300}\}|\[[^\]\n]{0,300}\])\s*+=", 2),
    (r"\)\s*+=>\s*+[\w({\[]|\b[\w$]++\s*+=>\s*+[\w({\[]", 1),
    (r"\brequire\(\s*+[\"'][^\"'\n]{1,200}[\"']\s*+\)|\bmodule\.exports\b", 2),
    (r"^[ \t]*+(?:import|export)\s[^\n]{0,300}\sfrom\s++[\"']", 2),
    (r"^[ \t]*+export\s++(?:default|const|function|class|async)\b", 2),
    (r"\b(?:console\.log|document\.\w++|window\.\w++|localStorage\.|JSON\.(?:parse|stringify)|process\.env|"
     r"child_process)\b", 2),
    (r"===|!==", 1),
    (r"\bnew\s++(?:Promise|XMLHttpRequest|ActiveXObject|Function|Date|Error|Map)\b|\balert\(", 1),
    (r";\s*+$", 1),
    (r"[\"']use strict[\"']", 2),
    (r"!function\(|\(function\(|\(\(\)\s*+=>", 2),
    (r"\.prototype\.|\btypeof\s", 1),
)  # fmt: skip
_CSS = _evidence(
    (r"^[^\n{};()\"'=]{1,200}\{\s*+(?:/\*|[\w-]++\s*+:\s*+[^\n;{}]{1,400}[;}\n])", 2),
    (r"(?:^|[{;])[ \t]*+(?:color|margin|padding|display|width|height|font(?:-\w++)?|background(?:-\w++)?|"
     r"border|position|"
     r"content|cursor|opacity|z-index|top|left|text-align|--[\w-]++)\s*+:", 1),
    (r"@(?:media|import|charset|font-face|keyframes|-webkit-keyframes|supports)\b", 1),
    (r"(?:^|[\s,}])[.#][\w-]++[\w\s.,:>#-]{0,200}\{", 1),
    (r"\d(?:px|em|rem|vh|vw|pt|%)\b|#[0-9a-fA-F]{3,6}\b", 1),
)  # fmt: skip
_CSS_DENY = regex(r"\b(?:function|var|const|def|import)\s++[\w$({]|=>|\breturn\b")
_NEEDED, _NEEDED_LONG = 3, 5
"""Weight that decides; a long text is more likely to mention commands, and a long script to hold many."""

LONG_LINES = 30

_WEIGHED: tuple[tuple[str, tuple[Evidence, ...]], ...] = (
    ("powershell", _POWERSHELL),
    ("batch", _BATCH),
    ("javascript", _JAVASCRIPT),
    ("shell-script", _SHELL),
)


def text_format(text: str, /, *, is_python: Callable[[str], bool]) -> tuple[str, str] | None:
    """Return the kind's name and its detail for `text`, or None for plain text.

    `is_python` is asked once the formats that announce themselves are ruled out, and before the rest.
    """
    head = text[:HEAD_CHARACTERS]
    start = head.lstrip("\ufeff \t\r\n")
    announced = _markup(start) or _shebang(start)
    if announced is not None and not (announced[0] == "shell-script" and "'''" in head and is_python(text)):
        return announced
    if _is_json(text):
        return "json", ""
    if is_python(text):
        return "python-source", ""
    if weigh(_CSS, head) >= _NEEDED and not _CSS_DENY.search(head):
        return "css", ""
    name, weight = max(((name, weigh(evidence, head)) for name, evidence in _WEIGHED), key=lambda pair: pair[1])
    needed = _NEEDED if head.count("\n") < LONG_LINES else _NEEDED_LONG
    return (name, "") if weight >= needed else None


def weigh(evidence: tuple[Evidence, ...], text: str, /) -> int:
    """Sum the weights of the patterns that occur in `text`."""
    return sum(weight for pattern, weight in evidence if pattern.search(text))


def _markup(start: str) -> tuple[str, str] | None:
    if not start.startswith("<"):
        return None
    lower = start[:4096].lower()
    if re.search(r"<svg[\s>]", lower) and not re.search(r"<html[\s>]", lower):
        return "svg", ""
    if _HTML.match(lower):
        return "html", ""
    if lower.startswith("<?xml") or re.match(r"<!doctype\s|<!--|<[a-z_][\w:.-]*+(?:\s[^<>]*+)?/?>", lower):
        return "xml", ""
    return None


def _shebang(start: str) -> tuple[str, str] | None:
    match = _SHEBANG.match(start)
    if match is None:
        return None
    program = match[1].rpartition("/")[2]
    if program == "env" and match[2]:
        program = match[2].rpartition("/")[2]
    for name, kind in _INTERPRETERS:
        if program.startswith(name):
            return kind, ""
    return "text", f"script of {program[:40]}"


def _is_json(text: str) -> bool:
    if not _JSON_HEAD.match(text):
        return False
    if len(text) > JSON_CHARACTERS:
        return True
    try:
        json.loads(text.lstrip("\ufeff"))
    except RecursionError:
        return True
    except ValueError:
        # Cut short, or one document a line: the head's own shape is all there is.
        return text.lstrip().startswith('{"') and not text.rstrip().endswith((")", ";"))
    return True
