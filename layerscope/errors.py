"""The one exception tree of layerscope.

LayerscopeError
├── UsageError               exit 2: the call or the configuration is wrong
│   ├── BadReference         a reference that names no image
│   ├── AmbiguousImage       several images or platforms and none was chosen
│   ├── ConfigError          a budget file or option that cannot be understood
│   └── OutputError          an output that cannot or must not be written
├── SourceError              exit 3: the image or its source is not available
│   ├── ImageNotFound
│   └── SourceUnavailable
├── FormatError              exit 4: malformed or hostile bytes
│   ├── TarError             with the byte offset of the fault
│   ├── DigestMismatch
│   ├── UnsupportedFormat    well formed, but nothing layerscope can read
│   └── LimitExceeded        larger than a bound of `Limits`
└── Cancelled                exit 130

A broken budget is no exception but a value (`Verdict`), with exit code 1.
"""

from __future__ import annotations


class LayerscopeError(Exception):
    """Base of every error that layerscope raises on purpose.

    The message is one line that names the thing and both numbers where there are two; `hint` says what to do.
    """

    exit_code = 2
    remedy: str | None = None
    """What to do about any error of the kind, where `hint` has nothing better."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(LayerscopeError):
    """The command line or the configuration is wrong."""


class BadReference(UsageError):
    """A reference that names no image."""

    remedy = "name an image, a file or a folder"


class AmbiguousImage(UsageError):
    """The source holds several images or platforms, and none was chosen."""


class ConfigError(UsageError):
    """A configuration file or option that cannot be understood."""


class OutputError(UsageError):
    """An output that cannot be written, or must not be overwritten."""

    remedy = "name a file where you may write"


class SourceError(LayerscopeError):
    """The image or the place where it lives is not available."""

    exit_code = 3
    remedy = "see that it is there and can be read"


class ImageNotFound(SourceError):
    """The source answered, and has no such image."""


class SourceUnavailable(SourceError):
    """The source did not answer, refused, or broke off."""


class FormatError(LayerscopeError):
    """Malformed or hostile bytes in an image."""

    exit_code = 4
    remedy = "the image is damaged or malformed: save or fetch it again"


class TarError(FormatError):
    """A tar archive that breaks the format; `offset` is the byte of the fault in the uncompressed tar."""

    def __init__(self, message: str, *, offset: int, hint: str | None = None) -> None:
        super().__init__(f"{message} at byte {offset}", hint=hint)
        self.reason = message
        self.offset = offset


class DigestMismatch(FormatError):
    """Bytes that are not the ones their digest promises."""


class UnsupportedFormat(FormatError):
    """A well-formed thing that layerscope cannot read, named."""

    remedy = "give an image that `docker save` or `skopeo copy` wrote"


class LimitExceeded(FormatError):
    """Input over a bound of `layerscope.limits.Limits`."""

    remedy = "raise the bound with --limit NAME=VALUE if you trust the image"


class Cancelled(LayerscopeError):
    """The caller asked to stop."""

    exit_code = 130
