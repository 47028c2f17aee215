"""The rows of the secrets pane: every finding, deleted ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.records import dataclass
from layerscope.report.file_text import path_text
from layerscope.report.words import one_line

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.analysis.secrets.facts import SecretFinding, Secrets


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One finding as text. `layer` and `path` are those of a file; a setting has none."""

    state: str
    rule: str
    place: str
    cause: str
    path: bytes | None
    layer: int | None


def secret_rows(secrets: Secrets, query: Query | None) -> list[SecretRow]:
    """The findings that match a filter: by path, or for a setting by its name or rule."""
    return [_row(each) for each in secrets.findings if query is None or _matches(query, each)]


def _matches(query: Query, finding: SecretFinding) -> bool:
    if query.marks is not None:
        return False
    layers = () if finding.layer is None else (finding.layer,)
    names = [finding.rule.encode()]
    names.append(finding.path if finding.path is not None else (finding.name or "").encode())
    return any(query.holds(name, 0, layers) for name in names)


def _row(finding: SecretFinding) -> SecretRow:
    if finding.path is not None:
        place = f"{path_text(finding.path)}:{finding.line}"
    else:
        word = {"env": "ENV", "label": "LABEL"}.get(finding.where, finding.where)
        place = one_line(f"{word} {finding.name}" if finding.name else word)
    cause = ""
    if finding.layer is not None:
        cause = f"layer {finding.layer}"
    elif finding.instruction is not None:
        cause = f"instruction {finding.instruction}"
    state = "in doubt" if finding.doubt else "deleted" if finding.deleted else ""
    return SecretRow(state, one_line(finding.rule), place, cause, finding.path, finding.layer)
