"""Platforms: operating system, architecture and variant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from layerscope.errors import LayerscopeError, UsageError
from layerscope.records import dataclass

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
}
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


@dataclass(frozen=True, slots=True)
class Platform:
    """`os/architecture[/variant]` as in the image index and the image config."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read the value of `--platform`; raises `UsageError`."""
        parts = text.strip().lower().split("/")
        if not 2 <= len(parts) <= 3 or not all(parts):
            raise UsageError(
                f"{text!r} is not a platform", hint="write os/arch[/variant], such as linux/arm64"
            )
        architecture, variant = _ARCHITECTURES.get(parts[1], (parts[1], ""))
        return cls(parts[0], architecture, parts[2] if len(parts) == 3 else variant)

    @classmethod
    def of_host(cls) -> Platform:
        """Linux on this machine's architecture, which is what an engine here would run."""
        import platform

        machine = platform.machine().lower()
        architecture, variant = _ARCHITECTURES.get(machine, (machine, ""))
        return cls("linux", architecture, variant)

    def matches(self, offered: Platform) -> bool:
        """Whether an image of platform `offered` matches this request.

        On either side, a missing variant means the architecture's usual one (arm64 is v8, amd64 is v1).
        """
        usual = _DEFAULT_VARIANT.get(self.architecture, "")
        return (self.os, self.architecture) == (offered.os, offered.architecture) and (
            (self.variant or usual) == (offered.variant or usual)
        )

    def covers(self, offered: Platform) -> bool:
        """Like `matches`, but any variant will do if none was requested."""
        return self.matches(offered) or (
            not self.variant and (self.os, self.architecture) == (offered.os, offered.architecture)
        )

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@contextmanager
def naming(platform: Platform) -> Iterator[None]:
    """Put the platform before the message of any error, for a run that reads several."""
    try:
        yield
    except LayerscopeError as error:
        error.message = f"{platform}: {error.message}"
        raise
