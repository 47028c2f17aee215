"""Texts about one row of a comparison: an instruction with its layers, or a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from layerscope.report.comparison.rows import SIDES
from layerscope.report.comparison.words import setting_words
from layerscope.tui.compare.deltas import delta_text
from layerscope.tui.details import Sheet, command_lines
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import (
        ComparedInstructionRow,
        ComparedLayerRow,
        ComparisonDocument,
        SettingRow,
    )
    from layerscope.report.document.rows import SizeName

_SIZES: tuple[SizeName, ...] = ("content", "live", "wasted", "compressed")
_STATUS = {
    "same": "the same instruction with the same layers",
    "changed": "changed",
    "only_a": "only in A",
    "only_b": "only in B",
}


def pair_text(document: ComparisonDocument, row: ComparedInstructionRow) -> Content:
    """Everything about two instructions that match."""
    sheet = Sheet()
    one, other = row["text_a"], row["text_b"]
    if one == other or one is None or other is None:
        sheet.row(_STATUS[row["status"]] if one is None or other is None else "A and B", "")
        for line in command_lines(one if one is not None else other or ""):
            sheet.line(line)
    else:
        for letter, text in (("A", one), ("B", other)):
            sheet.row(letter, "")
            for line in command_lines(text):
                sheet.line(line)
    sheet.gap()
    for name in _SIZES:
        pair = row["sizes"][name]
        if pair["a"] or pair["b"]:
            sheet.row(
                name,
                f"{format_size(pair['a'])} → {format_size(pair['b'])}   {delta_text(pair['delta'])}",
            )
    for layer in document["layers"]:
        if layer["a"] in row["layers_a"] or layer["b"] in row["layers_b"]:
            sheet.gap()
            _layer(sheet, layer)
    for moved in document["out_of_order"]:
        if moved["a"] in row["layers_a"] or moved["b"] in row["layers_b"]:
            sheet.row("elsewhere", f"layer {moved['a']} of A is layer {moved['b']} of B")
    return sheet.content


def _layer(sheet: Sheet, layer: ComparedLayerRow) -> None:
    if layer["status"] == "same":
        sheet.row("layer", f"{layer['a']} of A and {layer['b']} of B: the same")
        sheet.row("diff_id", layer["diff_id_a"] or "–")
        return
    for letter, index, diff_id in (
        ("A", layer["a"], layer["diff_id_a"]),
        ("B", layer["b"], layer["diff_id_b"]),
    ):
        if index is not None:
            sheet.row("layer", f"{index} of {letter}")
            sheet.row("diff_id", diff_id or "–")


def setting_text(row: SettingRow) -> Content:
    """Both values of a setting, in full."""
    sheet = Sheet()
    sheet.line(setting_words(row)[1], style="bold")
    for letter in SIDES:
        value = row[letter]
        sheet.row(letter.upper(), "not set" if value is None else value or "set")
    if not row["known"]:
        sheet.warn("a saved report hides it: the values may be the same")
    return sheet.content
