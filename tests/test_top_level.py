"""The files that others build images by and cite this software by: what they name exists."""

import ast
import json
import re
import shlex
import sys
import tomllib

import pytest

from keras_gan_zoo.core.version import __version__
from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DOCKERFILES = sorted((ROOT / "export" / "docker").glob("*.Dockerfile"))
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}


def instructions(path):
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert {line.split()[0] for line in lines} == INSTRUCTIONS
    return [tuple(line.split(maxsplit=1)) for line in lines]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
def test_what_an_image_copies_exists_and_it_runs_as_a_user_that_it_made(path):
    steps = instructions(path)
    for sources in (shlex.split(what)[:-1] for kind, what in steps if kind == "COPY"):
        assert sources
        assert all((ROOT / source).exists() for source in sources)
    [user] = [what for kind, what in steps if kind == "USER"]
    assert any(f"useradd --create-home {user} " in what for kind, what in steps if kind == "RUN")
    [python] = [what.removeprefix("python:").removesuffix("-slim") for kind, what in steps if kind == "FROM"]
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    assert f"docker build -f export/docker/{path.name} -t " in path.read_text()
    assert f"docker build -f export/docker/{path.name} -t " in path.with_name("README.md").read_text()


def test_the_image_that_trains_has_the_package_and_its_command():
    steps = instructions(ROOT / "export" / "docker" / "train.Dockerfile")
    copied = [name for kind, what in steps if kind == "COPY" for name in shlex.split(what)[:-1]]
    needed = {"pyproject.toml", "keras_gan_zoo", PROJECT["readme"], *PROJECT["license-files"]}
    assert set(copied) == needed  # without one of these, pip could not build it
    [entry] = [json.loads(what) for kind, what in steps if kind == "ENTRYPOINT"]
    assert entry[0] in PROJECT["scripts"]
    [extra] = re.findall(r'"\.\[(\w+)\]"', "".join(what for kind, what in steps if kind == "RUN"))
    assert extra in PROJECT["optional-dependencies"]


def test_the_image_that_samples_installs_what_its_program_imports():
    steps = instructions(ROOT / "export" / "docker" / "sample.Dockerfile")
    [(source, target)] = [shlex.split(what) for kind, what in steps if kind == "COPY"]
    [entry] = [json.loads(what) for kind, what in steps if kind == "ENTRYPOINT"]
    assert entry == ["python", target]
    imports = [node for node in ast.walk(ast.parse((ROOT / source).read_text())) if hasattr(node, "names")]
    names = {getattr(node, "module", None) or each.name for node in imports for each in node.names}
    [installed] = [
        re.findall(r"pip install --no-cache-dir (.*)", what) for kind, what in steps if "pip install" in what
    ]
    packages = {name.split(".")[0].replace("PIL", "pillow") for name in names} - sys.stdlib_module_names
    assert packages == set(installed[0].split())


def test_the_citation_is_of_this_version():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    allowed = {"cff-version", "message", "title", "abstract", "type", "authors", "version", "license", "keywords"}
    assert {"cff-version", "message", "title", "authors"} <= citation.keys() <= allowed  # of the format's schema
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["version"] == __version__ == PROJECT["version"]
    assert (citation["title"], citation["license"]) == ("keras_gan_zoo", PROJECT["license"])
    assert citation["authors"] == [{"name": "The keras_gan_zoo authors"}]
    assert (
        "CITATION.cff"
        in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )
