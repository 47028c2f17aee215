"""The one exception tree of layerscope.

LayerscopeError
├── UsageError               exit 2: the call or the configuration is wrong
│   ├── BadReference         a reference that can't name an image
│   ├── AmbiguousImage       several images or platforms match, and none was chosen
│   ├── ConfigError          a budget file or option that doesn't make sense
│   ├── OutputError          an output that can't or mustn't be written
│   └── SecretsUnavailable   the search for secrets was asked for, and its engine is not installed
├── SourceError              exit 3: the image or its source isn't available
│   ├── ImageNotFound
│   └── SourceUnavailable
├── FormatError              exit 4: the bytes are malformed or hostile
│   ├── TarError             carries the byte offset of the fault
│   ├── DigestMismatch
│   ├── UnsupportedFormat    well formed, but layerscope can't read it
│   └── LimitExceeded        over a bound in `Limits`
└── Cancelled                exit 130

A broken budget isn't an exception. It's a value (`Verdict`), with exit code 1.
"""

from __future__ import annotations


class LayerscopeError(Exception):
    """Base of every error that layerscope raises on purpose.

    The message is one line. It names the thing, and both numbers when there are two. `hint` says how to fix it.
    """

    exit_code = 2
    remedy: str | None = None
    """How to fix an error of this kind when it has no `hint`."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(LayerscopeError):
    """The command line or the configuration is wrong."""


class BadReference(UsageError):
    """A reference that can't name an image."""

    remedy = "name an image, a file, or a folder"


class AmbiguousImage(UsageError):
    """The source holds several images or platforms that match, and none was chosen.

    `tags` has a tag or digest for each image, if that is what to choose by.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, tags: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.tags = tags


class ConfigError(UsageError):
    """A configuration file or option that doesn't make sense."""


class OutputError(UsageError):
    """An output that can't be written, or mustn't be overwritten."""

    remedy = "choose a path you can write to"


class SecretsUnavailable(UsageError):
    """The engine that the search for secrets needs is not installed."""


class SourceError(LayerscopeError):
    """The image, or the place where it lives, isn't available."""

    exit_code = 3
    remedy = "check that it exists and that you can read it"


class ImageNotFound(SourceError):
    """The source responded, but doesn't have the image."""


class SourceUnavailable(SourceError):
    """The source didn't respond, refused the request, or stopped partway."""


class FormatError(LayerscopeError):
    """Malformed or hostile bytes in an image."""

    exit_code = 4
    remedy = "the image is damaged or malformed: save or fetch it again"


class TarError(FormatError):
    """A tar that breaks the format; `offset` is the byte of the fault in the uncompressed tar."""

    def __init__(self, message: str, *, offset: int, hint: str | None = None) -> None:
        super().__init__(f"{message} at byte {offset}", hint=hint)
        self.reason = message
        self.offset = offset


class DigestMismatch(FormatError):
    """Bytes that don't match their digest."""


class UnsupportedFormat(FormatError):
    """Well-formed input that layerscope can't read; the message says what it is."""

    remedy = "use an image written by `docker save` or `skopeo copy`"


class LimitExceeded(FormatError):
    """Input over a bound. `limit` is its name in `layerscope.limits.Limits`, where it is known."""

    remedy = "raise the limit with --limit NAME=VALUE if you trust the image (`--limit help` lists the names)"

    def __init__(self, message: str, *, limit: str | None = None, hint: str | None = None) -> None:
        if limit is not None:
            hint = f"raise --limit {limit}=N if you trust the image"
        super().__init__(message, hint=hint)


class Cancelled(LayerscopeError):
    """The caller asked layerscope to stop."""

    exit_code = 130
