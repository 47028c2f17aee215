"""The row of one name of an image, in the table `images`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from layerscope.errors import LayerscopeError
from layerscope.fleet.tables import SCHEMAS, table_of
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    import pyarrow as pa

    from layerscope.fleet.values import Wanted

_OWN: Final = ("reference", "registry", "repository", "target", "root", "scan")
_SHARED: Final = tuple(field.name for field in SCHEMAS["images"] if field.name not in _OWN)


def image_name(wanted: Wanted, root: str, columns: Mapping[str, Any], scan: int) -> pa.Table:
    """The row: `columns` has what is the same for all names of the image."""
    registry, repository = place_of(wanted.reference)
    row = {
        **{name: columns[name] for name in _SHARED},
        "reference": clean_text(wanted.reference),
        "registry": registry,
        "repository": clean_text(repository),
        "target": clean_text(wanted.target),
        "root": clean_text(root),
        "scan": scan,
    }
    return table_of("images", [row])


def place_of(reference: str) -> tuple[str | None, str]:
    """The registry of an image and its repository, or the path of the file it is in."""
    scheme, _, name = reference.partition(":")
    if scheme != "registry":
        return None, reference if reference.startswith("/") else name
    from layerscope.sources.registry.name import RegistryName

    try:
        parsed = RegistryName.parse(name, name)
    except LayerscopeError:
        return None, name
    return parsed.registry, f"{parsed.registry}/{parsed.repository}"
