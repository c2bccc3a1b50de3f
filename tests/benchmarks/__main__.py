"""What this library costs, beside the same work written by hand in Keras and in PyTorch.

    python -m tests.benchmarks                                 all tables, on idle cores: it takes its time
    python -m tests.benchmarks --only steps,memory --rounds 2  a look

PyTorch's columns need the extra: pip install -e '.[bench]'. Every ratio is the median of pairs that were measured in
turn, in one run, on the same networks and data: above 1, ours is faster. Leave the machine alone meanwhile.
"""

import argparse
import importlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TABLES = ("steps", "layers", "remedies", "networks", "startup", "sampling", "pipeline", "memory")


def chosen(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in TABLES:
            raise argparse.ArgumentTypeError(f"expected some of {','.join(TABLES)}, received {name!r}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=chosen, default=TABLES, metavar="TABLES", help=",".join(TABLES))
    parser.add_argument("--rounds", type=int, default=30, help="pairs per row; rows that take long get fewer")
    arguments = parser.parse_args()
    for name in arguments.only:
        importlib.import_module(f"tests.benchmarks.{name}").table(arguments.rounds)
        print()


if __name__ == "__main__":
    main()
