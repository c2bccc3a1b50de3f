"""A progress bar. Rich is imported only when a bar is created."""

from __future__ import annotations

from types import TracebackType

COLUMNS = {
    "bar": "BarColumn",
    "count": "MofNCompleteColumn",
    "bytes": "DownloadColumn",
    "elapsed": "TimeElapsedColumn",
    "time left": "TimeRemainingColumn",
}


class Bar:
    """A live bar for each task on a terminal. Elsewhere nothing is shown, and `is_shown` is False.

    Without a terminal, the caller may print lines instead.

    Args:
        columns: Keys of `COLUMNS`; anything else is text, with the task's fields in braces.
        on_stderr: Whether it is drawn on stderr instead of stdout.
        transient: Whether it disappears when it stops.
    """

    def __init__(self, *columns: str, on_stderr: bool = False, transient: bool = False):
        from rich import progress
        from rich.console import Console

        console = Console(stderr=True) if on_stderr else Console()
        self.is_shown, self._tasks = console.is_terminal, {}
        rich_columns = [getattr(progress, COLUMNS[column])() if column in COLUMNS else column for column in columns]
        self._live = progress.Progress(*rich_columns, console=console, transient=transient) if self.is_shown else None
        if self._live is not None:
            self._live.start()

    def show(self, name: str, done: float, total: float | None, description: str | None = None, **fields) -> None:
        """Shows the progress of a task; the first call adds its bar. None is an unknown total."""
        if self._live is None:
            return
        description = name if description is None else description
        if name not in self._tasks:
            self._tasks[name] = self._live.add_task(description, total=total, **fields)
        self._live.update(self._tasks[name], completed=done, total=total, description=description, **fields)

    def stop(self) -> None:
        """Restores the terminal; later calls of `show` do nothing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()
