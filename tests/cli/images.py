"""Images for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

from tests.builder import FORMS, WHITEOUT, BuiltImage, File, ImageBuilder, buildkit

MB = 1_000_000


def web_app(tag: str = "my-app:latest") -> BuiltImage:
    """An application image with three kinds of waste."""
    model = bytes(3 * MB)
    return (
        ImageBuilder(tag)
        .layer(
            {"etc/os-release": b"ID=debian\n", "usr/bin/python3": bytes(5 * MB)},
            created_by="/bin/sh -c #(nop) ADD file:" + "0" * 64 + " in / ",
        )
        .layer(
            {"app/model.bin": File(model), "app/app.py": b"print(1)\n"},
            **buildkit.copy(".", "/app"),
        )
        .layer(
            {f"root/.cache/pip/{n}": bytes(10_000) for n in range(100)}
            | {"usr/lib/flask": bytes(MB)},
            **buildkit.run("pip install -r requirements.txt", {"TOKEN": "hunter2"}),
        )
        .layer({"app/model.bin": File(model, uid=1000)}, **buildkit.run("chown -R app /app"))
        .layer({"root/.cache": WHITEOUT}, **buildkit.run("rm -rf /root/.cache"))
        .empty(**buildkit.command("CMD", ["python", "app.py"]))
        .build()
    )


def hostile_text() -> BuiltImage:
    """An image with text that tries to control terminals, markup, and CI systems."""
    return (
        ImageBuilder("evil:latest")
        .layer(
            {
                b"usr/\x1b[31mred\x1b]52;c;aGk=\x07": bytes(1000),
                b"usr/\xff\xfe\\n": bytes(900),
                "usr/\u202egnp.exe\u200b": bytes(800),
                "usr/[bold]markup[/nope]": bytes(700),
                "usr/new\nline\r::error::x": bytes(600),
                "usr/漢字" + "z\u0301\u0301\u0301\u0301\u0301\u0301": bytes(500),
            },
            **buildkit.run("echo '\x1b[2J\x9b31m \u2028'\n::error::pwned\n##vso[task.complete]"),
        )
        .layer({"usr": WHITEOUT}, **buildkit.run("::warning::x ##[group]y"))
        .build()
    )


def write(image: BuiltImage, path: Path, form: str = "docker-legacy") -> str:
    """Write one image to `path`, and return a reference to it."""
    return FORMS[form].write([image], path)
