"""Messages of the package, which name arguments of Python, in the words of the command line, which has options."""

import re

import click

from keras_gan_zoo.errors import REGISTER, similar

# What Python and a command call differently. The rest is found by the names of the command's own options.
_ARGUMENTS = {"labels": "label", "n": "count", "extractor": "features", "discriminator_steps": "k"}
_PHRASES = {
    REGISTER: "Give the Python file that defines and registers it: --import FILE.",
    "Pass it (in a recipe: conditional=True)": "Give --conditional",
    "let callbacks.NaNGuard(retries=3) do it": "let --retries 3 do it",
    "callbacks.NaNGuard finds the step": "--retries finds the step",
    "Load one with kgz.load": "See gan-zoo list",
    "Pass conditions=": "Give --conditions FILE",
    "Pass text=, one for all or one for each sample": "Give --text TEXT",
    "Expected no text, because": "Expected no --text, because",
    "Set it, as in gan.encoder = encoder, or pass conditions=, the": "Give --conditions FILE with the",
    "then resume with all of them": "then start all of them again with --resume",
    "call keras.config.enable_unsafe_deserialization() first": "call keras.config.enable_unsafe_deserialization() in a "
    "Python file: --import FILE",
}


def in_options(message: str, command: click.Command | None) -> str:
    """A message with the options of a command in place of the arguments that they stand for.

    `image_size=64` becomes `--image-size 64`. A name alone is replaced where it cannot be an ordinary word, that is
    with an underscore or in quotation marks.
    """
    for phrase, ours in _PHRASES.items():
        message = message.replace(phrase, ours)
    for name, option in _options(command).items():
        values = r"\[?'([^']*)'\]?|([\w.\-]*[\w\-])"
        message = re.sub(rf"(?<![\w.]){name}=(?:{values})", lambda found, o=option: _given(o, found), message)
        alone = rf"(?<![\w.'\"/-]){name}(?![\w('\"/]|\.\w)" if "_" in name else rf"'{name}'(?= out\b)"
        message = re.sub(alone, option, message)
    return message


def suggest(error: click.NoSuchOption) -> None:
    """Names the options that somebody may have meant by one that does not exist."""
    longest = _options(error.ctx.command if error.ctx else None)
    error.possibilities = [*dict.fromkeys(longest[name] for name in similar(error.option_name, longest))]


def _options(command: click.Command | None) -> dict[str, str]:
    """The options of a command, by the names of the arguments that they stand for."""
    params = [] if command is None else [param for param in command.params if isinstance(param, click.Option)]
    options = {param.name: max(param.opts, key=len) for param in params if param.name}
    more = {ours: options[theirs] for ours, theirs in _ARGUMENTS.items() if theirs in options}
    return {**more, **options, **{option.strip("-").replace("-", "_"): option for option in options.values()}}


def _given(option: str, found: re.Match) -> str:
    value = found[1] if found[1] is not None else found[2]
    return option if value == "True" else f"{option} {value}"
