"""A drawing as a file of its own, which no stylesheet of the page reaches."""

from __future__ import annotations

# The classes of the drawings in the colours of the light page; `--accent` and its like mean nothing outside of it.
_STYLE = """
text { font: 11.5px system-ui, sans-serif; fill: #565e56; }
.wb-c-cell { fill: #1d6c5b; }
.wb-c-empty { fill: #f3f4f1; }
.wb-c-on-pale, .wb-c-on-middle, .wb-c-on-strong { font-size: 13px; font-weight: 500; }
.wb-c-on-pale { fill: #1a1e1b; }
.wb-c-on-middle { fill: #121513; }
.wb-c-on-strong { fill: #ffffff; }
"""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def standalone(svg: str) -> str:
    """Return a drawing of `svg.drawing` as the content of an SVG file, on white."""
    opening, inner = svg.split(">", 1)
    background = '<rect width="100%" height="100%" fill="#ffffff"></rect>'
    named = opening.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{_HEAD}{named}><style>{_STYLE}</style>{background}{inner}\n"
