"""What makes a site of this folder, by the hooks of MkDocs: pages from outside it, code from its source, formulas.

The pages read the same in the repository: links there are those of files, and the hooks follow them.
"""

import ast
import html
import posixpath
import re
import textwrap
from pathlib import Path

from keras_gan_zoo.core.registry import VARIANTS

ROOT = Path(__file__).parent.parent.parent
MOUNTED = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
MOUNTED |= {"LICENSE": "LICENSE.txt", "export/README.md": "examples/index.md"}
EXAMPLES = ("*/README.md", "*/sample.*", "*/package.json")
ROOMS = {"game": "models"}  # of the package, and the page of the reference where another has their docstrings

LINK = re.compile(r"(\]\()(?![a-z]+:)([^)#\s]+)((?:#[^)\s]*)?\))")
SOURCE = re.compile(r"<!-- source: (\S+) -->")
OF_VARIANTS = "<!-- variants -->"  # where the page of the models has the docstrings of all of them
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', flags=re.S)
NAMED = re.compile(r"(<mi>(?:log|exp|max|min)</mi>)(?!<mo stretchy=.false.>&#x0*28;)")  # log D, but log(1 - D)
NAMELESS = re.compile(r'(<li class="doc-section-item field-body">)\s*\u2013\s*')  # returned, without a type


def mounted() -> dict[str, str]:
    """Files of the repository outside docs, and where the site has them."""
    examples = sorted(path for pattern in EXAMPLES for path in (ROOT / "export").glob(pattern))
    names = [path.relative_to(ROOT).as_posix() for path in examples]
    return {**{name: re.sub("^export/", "examples/", name) for name in names}, **MOUNTED}


def place(path: str) -> str:
    """The page or file of the site that stands for a file of the repository."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("keras_gan_zoo/"):  # read where its docstrings are
        room = path.removeprefix("keras_gan_zoo/").removesuffix(".py").split("/")[0]
        return f"reference/{ROOMS.get(room, room)}.md"
    return mounted().get(path, path)


def relinked(markdown: str, path: str) -> str:
    """The text of a file of the repository with links that lead to the places of the site."""
    folder, here = posixpath.dirname(path), posixpath.dirname(place(path)) or "."

    def link(match) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        return f"{match[1]}{posixpath.relpath(place(target), here)}{match[3]}"

    parts = re.split(r"(^```.*?^```)", markdown, flags=re.M | re.S)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def source(name: str) -> str:
    """The code of a file, docs/tutorials/start.py, or of a dotted name, keras_gan_zoo.models.gan.GAN."""
    if "/" in name:
        return (ROOT / name).read_text(encoding="utf-8")
    parts = name.split(".")
    depth = next(n for n in range(len(parts), 0, -1) if (ROOT / ("/".join(parts[:n]) + ".py")).is_file())
    text = (ROOT / ("/".join(parts[:depth]) + ".py")).read_text(encoding="utf-8")
    node = ast.parse(text)
    for part in parts[depth:]:
        node = next(child for child in node.body if getattr(child, "name", None) == part)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno])) + "\n"


def included(markdown: str) -> str:
    """The text with code in place of each `<!-- source: name -->`, and docstrings in that of `<!-- variants -->`."""
    homes = [row.home.replace(":", ".") for row in VARIANTS.values()]
    members = "    options: {members: [paper_optimizer, gradient_penalty]}\n"
    docstrings = "".join(f"::: keras_gan_zoo.{home}\n{members}" for home in homes)
    return SOURCE.sub(lambda match: f"```python\n{source(match[1])}```", markdown.replace(OF_VARIANTS, docstrings))


def with_formulas(page: str) -> str:
    """The page with MathML, which browsers set themselves, in place of TeX."""
    from latex2mathml.converter import convert

    def formula(match) -> str:
        tex = html.unescape(match[2]).strip().replace(r"\Big\|", r"\|")  # which latex2mathml does not know
        markup = convert(tex, display="block" if match[1] == "div" else "inline")
        if "\\" in markup:
            raise ValueError(f"Expected TeX that latex2mathml knows. Received: {tex}")
        markup = NAMED.sub(r"\1<mspace width='0.17em' />", markup)
        return f'<div class="formula">{markup}</div>' if match[1] == "div" else markup  # which can be scrolled

    return FORMULA.sub(formula, page)


def on_config(config):
    """Adds the page of each variant to the navigation, under its own heading."""
    [section] = [part["Variants"] for part in config.nav if "Variants" in part]
    section += [f"variants/{name}.md" for name in VARIANTS]
    return config


def on_files(files, config):
    from mkdocs.structure.files import File

    for path, target in mounted().items():
        files.append(File.generated(config, target, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown, page, config, files):
    paths = {target: path for path, target in mounted().items()}
    return included(relinked(markdown, paths.get(page.file.src_uri, f"docs/{page.file.src_uri}")))


def on_page_content(html, page, config, files):
    html = NAMELESS.sub(r"\1", html)
    return with_formulas(html)
