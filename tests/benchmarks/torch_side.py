"""`pytorch`, prepared, or None and one sentence where PyTorch is missing: then its columns stay empty."""

import importlib.util

MISSING = "PyTorch is not installed, so its columns stay empty: pip install -e '.[bench]'."

if importlib.util.find_spec("torch") is None:
    pytorch = None
    print(MISSING)
else:
    from tests.benchmarks import pytorch

    pytorch.prepare()

__all__ = ["pytorch"]
