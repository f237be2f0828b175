"""The few drawing elements of the charts; every text and attribute that goes in is escaped here.

Colours are classes that the stylesheet maps to the theme's variables, so that dark mode is decided in one place.
"""

from __future__ import annotations

from collections.abc import Iterable

from t5gemma_app.ui.markup import text

LETTER = 6.2
"""Width of an average letter of a label in units of the drawing; browsers measure, we have to guess."""


def shape(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element; its content is markup already, its attributes are not.

    Underscores in names become hyphens, and `css` is the class.
    """
    written = "".join(
        f' {"class" if key == "css" else key.replace("_", "-")}="{text(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"


def words(x: float, y: float, content: str, css: str = "wb-c-text", anchor: str = "start", **more: object) -> str:
    """Return a text at a place."""
    return shape("text", text(content), x=x, y=y, css=css, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Return a straight line."""
    return shape("line", x1=x1, y1=y1, x2=x2, y2=y2, css=css)


def hint(content: str) -> str:
    """Return what the pointer shows over an element."""
    return shape("title", text(content))


def drawing(parts: Iterable[str], width: float, height: float, title: str, description: str, ident: str) -> str:
    """Return the whole drawing with a name and a description for those who can't see it."""
    named = shape("title", text(title), id=f"{ident}-t") + shape("desc", text(description), id=f"{ident}-d")
    return (
        f'<svg class="wb-chart" viewBox="0 0 {width:g} {height:g}" style="max-width:{width * 1.25:g}px" role="img" '
        f'aria-labelledby="{text(ident)}-t {text(ident)}-d">{named}{"".join(parts)}</svg>'
    )


def shortened(content: str, most: int) -> str:
    """Return a text of at most so many letters, its end marked where it was cut."""
    return content if len(content) <= most else content[: most - 1].rstrip() + "…"


def _number(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
