"""Our training step against the same step written by hand in Keras and in PyTorch.

PyTorch runs it as it is written, and with its networks by `torch.compile`. All have the same layers, algorithm,
optimizers, batch size and uint8 data in memory, and run in turn in one process;
`tests/benchmarks/test_benchmarks.py` holds their losses together. A ratio above 1 says that ours does more examples in
the same time. How the cores share the operations of a graph differs from step to step by a few per cent; core seconds
hardly do. The last column is the rate at which our step multiplies by its kernels (see `arithmetic`), as a share of the
machine's rate of matrix products, per core second, measured in the same rounds.
"""

import numpy as np

from tests.benchmarks import arithmetic, hand_written, ours
from tests.benchmarks.cases import CASES, Case
from tests.benchmarks.measuring import CLOCK, CORES, HEAD_OF_RATIO, in_turn, ratio
from tests.benchmarks.torch_side import pytorch


def table(rounds: int) -> None:
    products, operations = arithmetic.matrix_products()
    taken = np.median(in_turn({"products": products}, rounds)["products"], axis=0)
    speed = operations / taken / 1e9
    print(f"matrix products in float32: {speed[CLOCK]:.0f} GFLOP/s, {speed[CORES]:.0f} per core second\n")
    print(
        f"{'training step':36} {'':>11} {'to Keras by hand':>29}  {'to PyTorch':>29}  {'to PyTorch compiled':>29}  "
        f"{'of matrix':>9}"
    )
    print(f"{'':36} {'examples/s':>11} {HEAD_OF_RATIO}  {HEAD_OF_RATIO}  {HEAD_OF_RATIO}  {'products':>9}")
    for case in CASES:
        row(case, max(1, rounds // 4) if case.fit_steps else rounds)


def row(case: Case, rounds: int) -> None:
    players, examples = ours.players(case), case.examples()
    products, operations = arithmetic.matrix_products()
    sides = {
        "ours": ours.turn(case, players, examples),
        "hand": hand_written.turn(case, players, examples),
        "products": products,
    }
    if pytorch:
        sides["torch"] = pytorch.turn(case, torch_players(case, players), examples)
        if compiled := pytorch.compiled_players(case, torch_players(case, players)):
            sides["compiled"] = pytorch.turn(case, compiled, examples)
    times = in_turn(sides, rounds)

    steps = case.fit_steps or 1
    rate = steps * case.batch_size / np.median(times["ours"][:, CLOCK])
    work = steps * arithmetic.operations(case, *players) / operations
    share = work * np.median(times["products"][:, CORES] / times["ours"][:, CORES])
    ratios = "  ".join(ratio(times, side) for side in ("hand", "torch", "compiled"))
    print(f"{case.name:36} {rate:>11,.0f} {ratios}  {100 * share:>7.0f} %", flush=True)


def torch_players(case: Case, players: ours.Players):
    """The twins in PyTorch, with the same weights."""
    twins = pytorch.players(case)
    for twin, player in zip(twins, players, strict=True):
        pytorch.take_weights(twin, player)
        trained = sum(weight.numel() for weight in twin.parameters())
        assert trained == sum(int(np.prod(weight.shape)) for weight in player.trainable_variables), case.name
    return twins
