"""URLs: malformed ones are refused in a sentence, and no secret of any is shown."""

import pytest

import keras_gan_zoo as kgz
from keras_gan_zoo.core.urls import parsed, redacted, sendable, shown
from keras_gan_zoo.errors import InputError

DIGEST = "1" * 64


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1/SECRET.keras?SECRET",
        "https://[hi]/x.keras",
        "https://host:port/x.keras",
        "https://host:99999/x.keras",
        "https://me:SEC/RET@host/x.keras",
        "https://me:SEC?RET@host/x.keras",
        "https://me:SECRET@[::1/x.keras",
        "https://me:SECRET@\u2100/x.keras",
        "https:///x.keras",
        "https://?token=SECRET.keras",
        f"https://{'a' * 64}.org/x.keras",
        "https://a..b/x.keras",
        "https://host/x\n.keras?SECRET",
        "https://host/x\x00.keras",
        "https://host/x%00.keras",
        "file:///x%00.keras",
        "https://host/x\x1b[31m.keras",
    ],
)
def test_malformed_urls_are_refused(url):
    with pytest.raises(InputError, match="Expected a well-formed URL") as found:
        kgz.load(url.replace("SECRET.keras", "x.keras"), sha256=DIGEST)
    said = str(found.value)
    assert not [part for part in ("SECRET", "SEC/", "SEC?", "\n", "\x1b", "\x00") if part in said]
    assert found.value.__cause__ is None


def test_names_and_passwords_are_refused_and_not_shown():
    with pytest.raises(InputError, match=r"Received: https://host/x\.keras with one") as found:
        kgz.load("https://me:SECRET@host/x.keras", sha256=DIGEST)
    assert "SECRET" not in str(found.value)


@pytest.mark.parametrize(
    ("url", "is_shown_as"),
    [
        ("https://host/x.keras", "https://host/x.keras"),
        ("https://host/@scope/x.keras", "https://host/@scope/x.keras"),
        ("https://me:secret@host/x", "https://host/x"),
        ("https://a@b:c@host/x", "https://host/x"),
        ("https://host/x?token=secret", "https://host/x?..."),
        ("https://host/x#access_token=secret", "https://host/x"),
        ("https://host?secret#secret", "https://host?..."),
        ("https://host/\u202ex\n", "https://host/%202Ex%0A"),
    ],
)
def test_what_is_shown(url, is_shown_as):
    assert shown(url) == is_shown_as


def test_every_url_in_a_text_is_redacted():
    text = "see 'https://a/x?t=secret' and <ftp://me:secret@b/y#secret>, not a?b@c"
    assert redacted(text) == "see 'https://a/x?...' and <ftp://b/y>, not a?b@c"


def test_what_is_escaped_stays():
    for url in ("https://host:8/a%20b;c=d/~e@f?x=%2B&y[]=1", "https://[::1]:80/x", "https://host"):
        assert parsed(url).geturl() == sendable(url) == url
    assert sendable("https://host/a b/\xe4?q=\xe4 b") == "https://host/a%20b/%C3%A4?q=%C3%A4%20b"


@pytest.mark.parametrize("url", ["http://x.org/x.keras", "ftp://x.org/x.keras", "https://x.org/x.pkl", "hf://x/y"])
def test_urls_that_are_refused_later_show_no_token(url):
    with pytest.raises(InputError) as found:
        kgz.load(f"{url}?token=SECRET#sha256={DIGEST}", sha256=DIGEST if url.startswith("hf") else None)
    assert "SECRET" not in str(found.value)
