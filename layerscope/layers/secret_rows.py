"""What was found of secrets in a layer, as rows of the index's JSON, and read back strictly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast, get_args

from layerscope.secrets.hit import Gap, Hit, LayerSecrets, Tally

_GAPS: Final = frozenset(get_args(Gap))
_LONGEST: Final = 200


def secrets_row(found: LayerSecrets) -> dict[str, Any]:
    """The row. `secrets_from_row` makes an equal value of it."""
    return {
        "everything": found.everything,
        "gaps": found.gaps,
        "hits": [[at, hit.line, hit.rule, hit.doubt] for at, hit in found.hits],
        "known": [found.known.files, found.known.bytes],
        "most": found.most,
        "rules": found.rules,
        "searched": [found.searched.files, found.searched.bytes],
    }


def secrets_from_row(row: Any) -> LayerSecrets:
    """Read what `secrets_row` made. Raises `ValueError`, `TypeError`, or `KeyError` for anything else."""
    if type(row["everything"]) is not bool:
        raise ValueError("not a truth value")
    return LayerSecrets(
        rules=_text(row["rules"]),
        everything=row["everything"],
        most=_count(row["most"]),
        hits=tuple(
            (_count(at), Hit(_count(line), _text(rule), _text(doubt)))
            for at, line, rule, doubt in row["hits"]
        ),
        gaps=tuple((_count(at), _gap(why)) for at, why in row["gaps"]),
        known=_tally(row["known"]),
        searched=_tally(row["searched"]),
    )


def _gap(why: Any) -> Gap:
    if why not in _GAPS:
        raise ValueError("an unknown reason")
    return cast("Gap", why)


def _tally(row: Sequence[Any]) -> Tally:
    files, size = row
    return Tally(_count(files), _count(size))


def _count(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 1 << 63:
        raise ValueError("not a count")
    return number


def _text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ValueError("not a short text")
    return text
