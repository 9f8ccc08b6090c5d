"""Tables, as plain text or Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], /, *, markdown: bool = False) -> str:
    """Return the table; columns whose cells begin with a digit, all but empty ones, are set flush right."""
    right = [all(row[at][:1].isdigit() for row in rows if row[at]) for at in range(len(header))]
    widths = [max(len(line[at]) for line in (header, *rows)) for at in range(len(header))]
    lines = [
        [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ]
        for line in (header, *rows)
    ]
    if not markdown:
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join("  ".join(line).rstrip() for line in lines)
    marks = ["-" * (width - 1) + (":" if flush else "-") for width, flush in zip(widths, right, strict=True)]
    lines.insert(1, marks)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, /) -> str:
    """Return the number with three digits that matter, in full."""
    if value >= 1000:
        return f"{value:,.0f}"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"


def ratio(value: float, yardstick: float, /) -> str:
    """Return how many times the yardstick the value is."""
    return number(value / yardstick) if yardstick > 0 else ""
