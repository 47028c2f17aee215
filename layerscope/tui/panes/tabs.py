"""The tabs on the right half of the browser: which panes an image has, how each is made, and why one is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.containers import VerticalScroll
from textual.widgets import Static

from layerscope.records import dataclass
from layerscope.tui.details import image_text
from layerscope.tui.panes.files_pane import FilesPane

if TYPE_CHECKING:
    from textual.widget import Widget

    from layerscope.tui.model.session import Session


def _always(_: Session) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A pane with its key. `missing` says why an image doesn't have it and what to do; empty if it does."""

    name: str
    key: str
    title: str
    make: Callable[[Session], Widget]
    missing: Callable[[Session], str] = _always


def _files(session: Session) -> Widget:
    return FilesPane(session, id="files")


def _waste(session: Session) -> Widget:
    from layerscope.tui.panes.waste_pane import WastePane

    return WastePane(session, id="waste")


def _largest(session: Session) -> Widget:
    from layerscope.tui.panes.largest_pane import LargestPane

    return LargestPane(session, id="largest")


def _image(session: Session) -> Widget:
    return VerticalScroll(Static(image_text(session)), id="image", classes="sheet", can_focus=True)


def _packages(session: Session) -> Widget:
    from layerscope.tui.panes.packages_pane import PackagesPane

    assert session.analysis.ownership is not None
    return PackagesPane(session, session.analysis.ownership, id="packages")


def _no_packages(session: Session) -> str:
    ownership = session.analysis.ownership
    if ownership is None:
        return "Packages are unknown, because they were not read."
    return "" if ownership.packages else "No package database was found in this image."


def _duplicates(session: Session) -> Widget:
    from layerscope.tui.panes.duplicates_pane import DuplicatesPane

    assert session.analysis.facts.duplicates is not None
    return DuplicatesPane(session, session.analysis.facts.duplicates, id="duplicates")


def _no_duplicates(session: Session) -> str:
    found = session.analysis.facts.duplicates
    if found is None:
        return "Contents were not compared. Open the image without --no-duplicates."
    if found.groups or found.packages or found.unread is not None:
        return ""
    return "No content is stored more than once in this image."


def _secrets(session: Session) -> Widget:
    from layerscope.tui.panes.secrets_pane import SecretsPane

    assert session.analysis.facts.secrets is not None
    return SecretsPane(session, session.analysis.facts.secrets, id="secrets")


def _no_secrets(session: Session) -> str:
    found = session.analysis.facts.secrets
    if found is None:
        return "Secrets were not looked for. Open the image without --no-secrets."
    if found.findings or found.not_searched:
        return ""
    where = "any text file" if found.everything else "well-known files and settings"
    more = "" if found.everything else " Open the image with --secrets to search all text files."
    return f"No secret was found in {where}.{more}"


def _dockerfile(session: Session) -> Widget:
    from layerscope.tui.panes.dockerfile_pane import DockerfileList

    return DockerfileList(session, id="dockerfile")


def _no_dockerfile(session: Session) -> str:
    if session.analysis.image.dockerfiles:
        return ""
    return (
        "No Dockerfile is known for this image. Pass yours with --dockerfile, "
        "or build with docker buildx build --provenance=mode=max."
    )


def _overview(session: Session) -> Widget:
    from layerscope.tui.panes.overview_pane import OverviewPane

    return OverviewPane(session, id="overview")


TABS: Final = (
    Tab("overview", "o", "Overview", _overview),
    Tab("files", "f", "Files", _files),
    Tab("waste", "w", "Waste", _waste),
    Tab("largest", "b", "Largest", _largest),
    Tab("image", "i", "Image", _image),
    Tab("packages", "p", "Packages", _packages, _no_packages),
    Tab("duplicates", "u", "Duplicates", _duplicates, _no_duplicates),
    Tab("secrets", "r", "Secrets", _secrets, _no_secrets),
    Tab("dockerfile", "d", "Dockerfile", _dockerfile, _no_dockerfile),
)
"""In the order of the strip."""
BY_NAME: Final = {tab.name: tab for tab in TABS}


def shown_tabs(session: Session) -> tuple[tuple[str, str, str], ...]:
    """The name, key, and title of each pane that the image has."""
    return tuple((tab.name, tab.key, tab.title) for tab in TABS if not tab.missing(session))
