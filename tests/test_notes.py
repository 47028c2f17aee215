"""Notes are kept in order, and counted if they repeat."""

from __future__ import annotations

from layerscope.notes import Note, Notes


def test_notes_are_kept_in_order() -> None:
    notes = Notes()
    notes.add("b", "second", layer=1)
    notes.add("a", "first", layer=0, path=b"x")
    assert list(notes) == [Note("b", "second", 1), Note("a", "first", 0, b"x")]


def test_an_oddity_that_repeats_in_a_layer_is_one_note_with_a_count() -> None:
    notes = Notes()
    for layer in (0, 1):
        for number in range(4000):
            notes.add("a", f"a link to {number}", layer=layer, path=b"%d" % number)
    notes.add("a", "a link to x", layer=2, path=b"x")
    assert list(notes) == [
        Note("a", "a link to 0 (and 3,999 more like this)", 0, b"0", 4000),
        Note("a", "a link to 0 (and 3,999 more like this)", 1, b"0", 4000),
        Note("a", "a link to x", 2, b"x"),
    ]


def test_different_notes_about_the_whole_image_are_kept_apart() -> None:
    notes = Notes(per_code=2)
    for number in (0, 0, 1, 2, 3):
        notes.add("a", f"statement {number}")
    assert [(note.message, note.count) for note in notes] == [
        ("statement 0 (and 1 more like this)", 2),
        ("statement 1", 1),
        ("statement 2 (and 1 more like this)", 2),
    ]


def test_counts_survive_when_notes_are_merged() -> None:
    inner, outer = Notes(), Notes()
    for number in range(100):
        inner.add("a", f"{number}", layer=0)
    outer.extend(inner)
    assert list(outer) == list(inner)
    assert [note.count for note in outer] == [100]
