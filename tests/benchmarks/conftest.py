"""Random texts without a clock: a loaded machine must not fail a test that is about values."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
