"""What the guard tells people: in the reason phrase, at the prompt and in the summary."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydepgate.guard.ask import ask_on
from pydepgate.guard.model import Decision, Outcome
from pydepgate.guard.summary import PHRASE_LENGTH, reason_phrase, summary
from pydepgate.model import Finding, Runs, Severity, Verdict

FINDING = Finding(
    "hidden-program", "A literal hides a program", Severity.CRITICAL, Runs.INSTALL, "setup.py", 3, 1, "It does."
)
LOW = replace(FINDING, rule="odd", title="It is odd", severity=Severity.LOW, message="Odd.")
PASSED = Decision("a-1.0.tar.gz", "a", Outcome.ADMITTED, "nothing found", Verdict.PASS, size=1_000, seconds=0.25)
BLOCKED = Decision(
    "evil-1.0.tar.gz",
    "evil",
    Outcome.BLOCKED,
    "hidden-program (critical) in setup.py:3 and 1 more finding",
    Verdict.BLOCK,
    (LOW, FINDING),
    sha256="ab" * 32,
    size=500,
)
REVIEWED = Decision("b-1.0.tar.gz", "b", Outcome.ADMITTED, "odd (low) in b.py:1", Verdict.REVIEW, (LOW,), cached=True)
FAILED = Decision("c-1.0.tar.gz", "c", Outcome.FAILED, "the disk is full")


def test_a_reason_phrase_says_what_why_and_where_to_read_on() -> None:
    assert reason_phrase(BLOCKED) == (
        "pydepgate blocked evil-1.0.tar.gz: hidden-program (critical) in setup.py:3 and 1 more finding; "
        "see 'pydepgate explain hidden-program'"
    )
    assert reason_phrase(FAILED) == "pydepgate could not check c-1.0.tar.gz: the disk is full"


@given(st.builds(Decision, filename=st.text(), project=st.text(), outcome=st.sampled_from(Outcome), reason=st.text()))
def test_a_reason_phrase_is_printable_ascii_and_short(decision: Decision) -> None:
    phrase = reason_phrase(decision)
    assert phrase.isascii()
    assert phrase.isprintable()
    assert len(phrase) <= PHRASE_LENGTH


def test_a_long_reason_leaves_room_for_where_to_read_on() -> None:
    phrase = reason_phrase(replace(BLOCKED, reason="x" * 900))
    assert len(phrase) == PHRASE_LENGTH
    assert phrase.endswith("x...; see 'pydepgate explain hidden-program'")


def test_the_summary_tells_all() -> None:
    text = summary([PASSED, BLOCKED, REVIEWED, FAILED, FAILED], width=100, colour=False)
    assert (
        text
        == f"""\
BLOCKED  evil-1.0.tar.gz
  hidden-program (critical) in setup.py:3 and 1 more finding
  critical  A literal hides a program  [hidden-program]
    setup.py:3  runs on install
      It does.
  low  It is odd  [odd]
    setup.py:3  runs on install
      Odd.
  sha256 {"ab" * 32}; 'pydepgate explain hidden-program' says what to do

NOT CHECKED  c-1.0.tar.gz
  the disk is full

REVIEW  b-1.0.tar.gz  odd (low) in b.py:1

pydepgate: 4 files (1.5 kB): 2 let through (1 to review), 1 blocked, 1 could not be checked; 2 scanned in 0.2 s, \
1 known from before
"""
    )


def test_the_summary_of_nothing() -> None:
    assert summary([]) == "pydepgate: nothing was fetched\n"
    assert summary([PASSED]).startswith("pydepgate: 1 file (1.0 kB): 1 let through; 1 scanned in ")


def test_a_project_without_an_index_is_named() -> None:
    text = summary([Decision("", "flask", Outcome.FAILED, "index down")])
    assert text.startswith("NOT CHECKED  flask\n  index down\n")


@given(st.text(), st.text(), st.booleans())
def test_scanned_text_cannot_steer_the_terminal(name: str, message: str, colour: bool) -> None:
    finding = replace(FINDING, file=name, message=message, title=message, evidence=(name,))
    decision = replace(BLOCKED, filename=name, reason=message, findings=(finding,))
    text = summary([decision], colour=colour)
    for line in text.split("\n"):
        plain = line
        if colour:
            for part in ("\x1b[0m", "\x1b[1;97;41m", "\x1b[1m", "\x1b[1;31m", "\x1b[36m", "\x1b[2m"):
                plain = plain.replace(part, "")
        assert plain.isprintable()


@pytest.mark.parametrize(
    ("typed", "answer", "questions"),
    [("y\n", True, 1), ("\n", False, 1), ("what?\ns\nYES\n", True, 3), ("", None, 1), ("n\n", False, 1)],
)
def test_the_prompt(typed: str, answer: bool | None, questions: int) -> None:
    shown = io.StringIO()
    assert ask_on(io.StringIO(typed), shown, REVIEWED) is answer
    text = shown.getvalue()
    assert "b-1.0.tar.gz: 1 finding to review" in text
    assert text.count("Let it through?") == questions
    assert ("It is odd" in text) == ("s\n" in typed)


_ASKS = """\
from pydepgate.guard.ask import Terminal
from pydepgate.guard.model import Decision, Outcome
print("answer:", Terminal()(Decision("a.whl", "a", Outcome.ADMITTED, "odd")))
"""
_ON_TERMINAL = """\
import fcntl, os, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
"""


def test_without_a_terminal_nobody_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASKS], start_new_session=True, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.stdout == "answer: None\n"


@pytest.mark.skipif(os.name != "posix", reason="terminals are those of POSIX")
def test_the_question_goes_to_the_terminal_and_not_to_the_output() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        asked = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL + _ASKS], start_new_session=True, stdin=theirs, stdout=subprocess.PIPE
        )
        os.close(theirs)
        shown = b""
        while b"Let it through?" not in shown:
            shown += terminal.read(1024)
        terminal.write(b"y\n")
        out, _ = asked.communicate(timeout=30)
    assert out.strip() == b"answer: True"
    assert b"a.whl: 0 findings to review" in shown
