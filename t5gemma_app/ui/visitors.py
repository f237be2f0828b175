"""Who asks, as far as the server can tell; answers to different visitors are computed by turns."""

from __future__ import annotations

import ipaddress

import gradio as gr


def visitor_of(address: str, session: str) -> str:
    """Return what a visitor is told apart by.

    An address of the internet is somebody's own, and can't be made up. Behind a proxy everybody has the proxy's, so a
    private address is told apart by the page's session as well, although a program may name any session it likes.

    Args:
        address: Where the request came from, as the server saw it.
        session: The page's session; empty for programs.
    """
    try:
        public = ipaddress.ip_address(address).is_global
    except ValueError:
        public = False
    return address if public or not session else f"{address} {session}"


def visitor_of_call(request: gr.Request | None) -> str:
    """Return the visitor of a program's call; one without a request is this process's own."""
    return "" if request is None else visitor_of_page(request)


def visitor_of_page(request: gr.Request) -> str:
    """Return the visitor of a page, or of a program that uses the page's endpoints."""
    client = getattr(request, "client", None)
    return visitor_of(getattr(client, "host", None) or "", str(request.session_hash or ""))
