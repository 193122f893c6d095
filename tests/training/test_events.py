"""What training reports."""

from __future__ import annotations

from typing import get_args

from mtkit.training.events import Event


def test_every_event_has_a_kind_of_its_own() -> None:
    kinds = [event.kind for event in get_args(Event)]
    assert sorted(kinds) == ["finished", "note", "report", "started", "validation", "warning"]
