"""`gan-zoo evaluate`: metrics of a model, of an exported file, or of images that any program made."""

from pathlib import Path

import click

from keras_gan_zoo.errors import InputError

DEFAULT = "frechet_distance,kernel_distance,inception_score,precision_recall,density_coverage"


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option("--data", required=True, metavar="NAME", help="Real images, named as in `train`.")
@click.option("--split", default="test", show_default=True, help="Split of a TensorFlow Datasets set to compare with.")
@click.option("--train-split", default="train", show_default=True, help="Split that was trained on.")
@click.option("--validation-split", help="Split that chooses the bandwidth of parzen_log_likelihood.")
@click.option("--image-size", type=click.IntRange(4), metavar="PIXELS", help="As in `train`.")
@click.option(
    "--metrics",
    default=DEFAULT,
    show_default=True,
    help="Names with commas between; besides these: class_coverage, label_agreement, ms_ssim, parzen_log_likelihood, "
    "nearest_neighbours, neighbour_classification, network_classification.",
)
@click.option(
    "--features",
    metavar="NAME",
    help="Extractor: mnist, fashion_mnist, cifar10, inception or pixels.  [default: that of the data set]",
)
@click.option("-n", "count", type=click.IntRange(2), default=10_000, show_default=True, help="Number of samples.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same samples.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures and protocols there.")
@click.option(
    "--neighbours",
    type=click.Path(path_type=Path),
    metavar="PICTURE",
    help="Draw the samples that are nearest to training images, beside these.",
)
def evaluate(source, data, json_file, neighbours, **options):
    """Measure SOURCE against real images: a run folder, a .keras file, an ONNX file, or images that exist already (a
    .npz file with `images` and, if known, `labels`; a folder of pictures).

    \b
    gan-zoo evaluate runs/dcgan_fashion_mnist --data fashion_mnist --json scores.json
    gan-zoo evaluate pictures/ --data mnist --metrics frechet_distance,precision_recall -n 5000

    The last column puts real images in the samples' place: the best that the figures can be.
    """
    for path in (json_file, neighbours):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"Expected a file to write in a folder that exists. Received: {path}.")
    from keras_gan_zoo.console import say_warnings, start_tensorflow

    start_tensorflow()
    say_warnings()
    from keras_gan_zoo.metrics.evaluation import check_metrics
    from keras_gan_zoo.metrics.report import evaluate
    from keras_gan_zoo.sources import samples_of

    metrics = check_metrics([name.strip() for name in options.pop("metrics").split(",") if name.strip()])
    if neighbours is not None:
        metrics = check_metrics([*metrics, "nearest_neighbours"])
    count, seed = options.pop("count"), options.pop("seed")
    sample, labels, count = samples_of(source, count, seed)
    with _Progress() as progress:
        report = evaluate(
            sample,
            data,
            labels=labels,
            n=count,
            seed=seed,
            metrics=metrics,
            extractor=options.pop("features"),
            subject=str(source),
            progress=progress,
            **options,
        )
    _show(report)
    if json_file is not None:
        report.save(json_file)
        click.echo(f"{json_file}   all figures with their protocols")
    if neighbours is not None:
        from keras_gan_zoo import pictures

        pictures.save(report.neighbours, neighbours)
        click.echo(f"{neighbours}   generated, nearest and next nearest training image, the nearest pairs first")


def _show(report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=_protocol(report), caption_justify="left")
    for heading, justify in (("metric", "left"), (report.subject, "right"), ("real images", "right")):
        table.add_column(heading, justify=justify)
    for row in report.rows():
        table.add_row(*row)
    Console().print(table)


def _protocol(report) -> str:
    """What all results have in common, once, below the table."""
    common = dict(report.generated[0].protocol)
    for result in report.generated:
        common = {**common, **result.protocol}
    said = ("data", "split", "real", "generated", "extractor", "sha256", "preprocessing", "seed")
    parts = [f"{name} {str(common[name])[:40]}" for name in said if name in common]
    return ", ".join(parts)


class _Progress:
    """A bar on a terminal, a line per stage elsewhere."""

    def __enter__(self):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console, self.stage = Console(stderr=True), None
        self.bar = None
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self.bar = Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=self.console)
            self.bar.start()
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.bar is None:
            return
        if stage != self.stage:
            self.stage, self.task = stage, self.bar.add_task(stage, total=total)
        self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.stop()
