"""Notes: kept in order, cut off by kind and layer, and never counted away."""

from __future__ import annotations

from layerscope.notes import Note, Notes


def test_notes_are_kept_in_order() -> None:
    notes = Notes()
    notes.add("b", "second", layer=1)
    notes.add("a", "first", layer=0, path=b"x")
    assert list(notes) == [Note("b", "second", 1), Note("a", "first", 0, b"x")]


def test_beyond_the_share_of_a_layer_they_are_counted() -> None:
    notes = Notes(per_code=2)
    for layer in (0, 1):
        for number in range(5):
            notes.add("a", f"{number}", layer=layer)
    assert [(note.layer, note.message) for note in notes] == [
        (0, "0"),
        (0, "1"),
        (1, "0"),
        (1, "1"),
        (0, "and 3 more notes of this kind"),
        (1, "and 3 more notes of this kind"),
    ]


def test_what_was_counted_stays_counted_when_taken_over() -> None:
    inner, outer = Notes(per_code=20), Notes(per_code=20)
    for number in range(100):
        inner.add("a", f"{number}", layer=0)
    outer.extend(inner)
    outer.extend(inner)
    messages = [note.message for note in outer]
    assert messages.count("and 80 more notes of this kind") == 2
    assert len(messages) == 42
