"""`gan-zoo play`: models in the browser."""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from keras_gan_zoo.cli.importing import import_option


@click.command()
@click.argument("sources", metavar="[MODEL]...", nargs=-1)
@import_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the page, the models and the runtime to a folder for any web server, and serve nothing.",
)
@click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where ONNX Runtime Web is, the npm package onnxruntime-web.  [default: node_modules here, or in export/node]",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any that is free", help="Port to listen on."
)
@click.option(
    "--open/--no-open", "opens", default=None, help="Open the page in a browser.  [default: if there is a desktop]"
)
def play(sources, out, runtime, port, opens):
    """Play with models in the browser. Each MODEL is the name of a preset, a run folder, a .keras file or an exported
    .onnx file; without any, they are seven presets that take noise, classes, texts, drawings or pictures. The page is
    served to this machine only, until Ctrl-C, and computes in the browser. It needs ONNX Runtime Web:
    npm install onnxruntime-web.

    \b
    gan-zoo play
    gan-zoo play runs/dcgan_digits dcgan_mnist digits.onnx
    gan-zoo play pix2pix_openmoji -o site
    """
    import webbrowser

    from keras_gan_zoo import playground
    from keras_gan_zoo.cli.launching import exit_on_signals

    models = sources or playground.DEFAULT
    if out is not None:
        playground.write(models, out, runtime, say=click.echo)
        click.echo(f"{out}: put this folder on a web server, or try it: python -m http.server --directory {out}")
        return
    with exit_on_signals(), tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        with playground.Server(site, port) as server:  # a port that is taken is known before models are exported
            playground.write(models, site, runtime, say=click.echo)
            click.echo(f"Open {server.url} in a browser on this machine. Ctrl-C ends.")
            if _has_desktop() if opens is None else opens:
                webbrowser.open(server.url)
            with suppress(KeyboardInterrupt):
                server.serve_forever()
    click.echo("Ended.")


def _has_desktop() -> bool:
    """Whether a browser can have a window. Where it cannot, one in the terminal might be opened instead."""
    displays = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and (sys.platform in ("darwin", "win32") or bool(displays))
