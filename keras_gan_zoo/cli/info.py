"""`gan-zoo info`: what is installed, for whoever looks for a cause, or reports a mistake."""

from typing import Any

import click

from keras_gan_zoo.cli.printing import print_json


@click.command()
@click.option("--devices", is_flag=True, help="Also list the devices of TensorFlow, which takes seconds to import.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def info(devices, as_json):
    """Show versions, folders, the state of oneDNN, and optional packages that are missing.

    \b
    gan-zoo info
    gan-zoo info --devices --json
    """
    from keras_gan_zoo.core.installation import installation

    found = installation()
    if devices:
        found |= _devices()
    if as_json:
        print_json(found)
    else:
        _show(found)


def _devices() -> dict[str, Any]:
    """The devices that TensorFlow can use, and whether it computes by oneDNN: here it is asked."""
    import tensorflow as tf

    from keras_gan_zoo.core.keras_internals import uses_onednn

    names = [f"{device.device_type} {device.name}" for device in tf.config.list_physical_devices()]
    return {"devices": names, "onednn": "on" if uses_onednn() else "off"}


def _show(found: dict[str, Any]) -> None:
    cache = found["cache"]
    rows = {
        **{name: number or "not installed" for name, number in found["versions"].items()},
        "machine": found["machine"],
        "onednn": found["onednn"],
        "cache": f"{cache['folder']}, {cache['bytes'] / 1e6:.1f} MB",
        "data": found["data"]["folder"],
    }
    rows |= {"devices": ", ".join(found["devices"])} if "devices" in found else {}
    for name, value in rows.items():
        click.echo(f"{name:<14} {value}")
    for missing in found["missing"]:
        click.echo(f"{'missing':<14} {missing['package']}, for {missing['for']}: {missing['install']}")
