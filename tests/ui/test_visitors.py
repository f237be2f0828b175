from __future__ import annotations

import pytest

from t5gemma_app.ui.visitors import visitor_of


@pytest.mark.parametrize(
    ("address", "session", "visitor"),
    [
        ("93.184.216.34", "page", "93.184.216.34"),
        ("2606:2800:220:1::1", "page", "2606:2800:220:1::1"),
        ("127.0.0.1", "page", "127.0.0.1 page"),
        ("10.1.2.3", "page", "10.1.2.3 page"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("testclient", "page", "testclient page"),
        ("", "page", " page"),
    ],
)
def test_public_addresses_are_visitors_and_others_need_the_page(address: str, session: str, visitor: str) -> None:
    assert visitor_of(address, session) == visitor
