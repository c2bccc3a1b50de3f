"""What the site adds to the pages: code from its source, links that lead on, names that exist, scripts that run."""

import contextlib
import functools
import inspect
import re
import textwrap
import types
from pathlib import Path

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.cli import main, publish
from tests import notebooks
from tests.helpers import DOCUMENTS, ROOT, site_module

DOCS = ROOT / "docs"
RUN = ["start.md", "extending.md", "migrating.md", "questions.md"]
RUN += sorted(f"variants/{path.name}" for path in (DOCS / "variants").glob("*.md"))
TUTORIALS = {
    "own_images": ["--epochs", "1"],
    "own_networks": ["--epochs", "1"],
    "divergences": ["--steps", "100"],
    "next_frame": ["--clips", "20", "--epochs", "1"],
    "one_attribute": ["--examples", "32", "--epochs", "1"],
    "own_pairs": ["--side", "16", "--epochs", "1"],
    "wgan_curve": ["--stretches", "3"],
}
# Options that pages name and that are of other programs, or of our scripts.
OTHERS = {"preload", "kill-on-bad-exit", "requeue", "quality", "cov", "folder", "side", "attribute", "strict"}
# Arguments of Keras and TensorFlow that pages name, and the figures that `finish_step` takes.
OTHER_ARGUMENTS = {
    "save_freq",
    "file_format",  # of TensorFlow Datasets
    "update_freq",
    "approximate",
    "jit_compile",
    "monitor",
    "output_gradients",
    "d_loss",
    "g_loss",
}


hooks, sources = site_module("hooks"), site_module("notebooks")


@pytest.mark.parametrize("variant", kgz.VARIANTS)
def test_the_page_of_a_variant_shows_its_present_code(variant):
    page = hooks.included((DOCS / "variants" / f"{variant}.md").read_text())
    step = kgz.networks.dcgan_pair if variant == "dcgan" else kgz.VARIANTS[variant].train_step
    assert f"```python\n{textwrap.dedent(inspect.getsource(step))}```" in page


def test_every_inclusion_finds_its_source():
    for document in DOCUMENTS:
        assert not re.search("<!-- (source|variants)", hooks.included(document.read_text()))


def test_the_site_has_every_variant():
    """In the navigation by its page, in the reference by its class."""
    config = types.SimpleNamespace(nav=[{"Start": ["index.md"]}, {"Variants": ["variants.md"]}])
    pages = [f"variants/{variant}.md" for variant in kgz.VARIANTS]
    assert hooks.on_config(config).nav[1] == {"Variants": ["variants.md", *pages]}
    assert {path.name for path in (DOCS / "variants").glob("*.md")} == {Path(page).name for page in pages}
    reference = hooks.included((DOCS / "reference" / "models.md").read_text())
    for kind in kgz.VARIANTS.values():
        assert f"\n::: {kind.__module__}.{kind.__name__}\n" in reference


def test_links_lead_to_the_places_of_the_site():
    text = "[a](../keras_gan_zoo/models/gan.py) [b](../export/README.md#x) [c](speed.md) [d](https://a.b/c)\n```\n[e](f.md)\n```"
    moved = "[a](reference/models.md) [b](examples/index.md#x) [c](speed.md) [d](https://a.b/c)\n```\n[e](f.md)\n```"
    assert hooks.relinked(text, "docs/metrics.md") == moved
    assert hooks.relinked("[a](docs/images/x.png)", "README.md") == "[a](images/x.png)"
    assert hooks.relinked("[a](../../docs/export.md)", "export/node/README.md") == "[a](../../export.md)"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_examples_of_a_page_run(tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    namespace, blocks = {"__name__": "page"}, re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.S)
    assert blocks
    for code in blocks:
        exec(compile(code, page, "exec"), namespace)


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_runs_as_a_notebook(tmp_path, name):
    script = (DOCS / "tutorials" / f"{name}.py").read_text()
    cells = notebooks.executed(sources.of_script(name, script, TUTORIALS[name]), tmp_path)
    assert notebooks.pictures(cells) == 1
    assert (tmp_path / f"{name}.png").exists()


def test_notebooks_are_those_of_their_sources():
    """Otherwise: python docs/site/notebooks.py"""
    assert {path.stem: path.read_text() for path in sources.FOLDER.iterdir()} == sources.all_of_them()


def test_every_tutorial_is_run():
    assert set(TUTORIALS) == {path.stem for path in (DOCS / "tutorials").glob("*.py")}


# ----------------------------------------------------------------------------------------------------------- names


def code_of(document: Path) -> list[str]:
    """Code spans and lines of code blocks, continued lines joined."""
    text = document.read_text().replace("\\\n", " ")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.M | re.S)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return [*spans, *(line for block in blocks for line in block.splitlines())]


def options_of(command: str | None = None) -> set[str]:
    commands = [*main.commands.values(), publish.main] if command is None else [main.commands[command]]
    names = {name for known in commands for parameter in known.params for name in parameter.opts}
    return {"--help", "-h", "--version"} | names | {n for c in commands for p in c.params for n in p.secondary_opts}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_that_are_named_exist(document):
    for code in code_of(document):
        for command, arguments in re.findall(r"^\W*gan-zoo (\w+)([^#|]*)", code):
            assert command in main.commands, code
            known = options_of(command) | (options_of("train") if command == "launch" else set())
            assert set(re.findall(r"(?<!\S)-{1,2}[a-z][\w-]*", arguments)) <= known, code
        if re.match(r"--[a-z]", code):
            assert code.split()[0] in options_of() | {f"--{name}" for name in OTHERS}, code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_that_are_named_exist(document):
    rooms = "|".join(name for name in kgz.__all__ if name.islower() and name != "load")
    for code in code_of(document):
        names = re.findall(r"\bkgz\.([A-Za-z_][\w.]*\w)", code)
        names += re.findall(rf"^((?:{rooms})\.(?!py\b)\w+)", code)
        for name in names:
            assert exists(kgz, name), code
        for name in re.findall(r"^gan\.(?!keras\b|py\b|onnx\b)(\w+)", code):
            assert hasattr(kgz.GAN, name) or name in vars(kgz.GAN.for_images((2,))), code


@functools.cache
def parameters() -> set[str]:
    """Of what is public here: functions, constructors, methods."""
    homes = [getattr(kgz, name) for name in kgz.__all__ if name != "VARIANTS"]
    classes = [
        *homes,
        kgz.training.Recipe,
        *(c for home in homes for _, c in inspect.getmembers(home, inspect.isclass)),
    ]
    found = set()
    for home in classes:
        for _, member in [("", home), *inspect.getmembers(home, inspect.isroutine)]:
            with contextlib.suppress(TypeError, ValueError):  # modules, and routines written in C
                found |= set(inspect.signature(member).parameters)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_arguments_that_are_named_exist(document):
    known = parameters() | OTHER_ARGUMENTS
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S))
    for span in spans:
        if not span.startswith(("-", "python", "gan-zoo")):
            assert set(re.findall(r"(?<![\w$])([a-z]\w*)=(?!=)", span)) <= known, span


def exists(home, dotted: str) -> bool:
    for name in dotted.split("."):
        if not hasattr(home, name):
            return False
        home = getattr(home, name)
    return True
