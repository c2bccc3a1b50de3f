"""A bar for what takes a while, by Rich, which is imported when a bar is made."""

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
    """A live bar for each task on a terminal; elsewhere nothing, and `is_shown` is False.

    What is said elsewhere, lines or nothing, is the caller's to choose.

    Args:
        columns: Keys of `COLUMNS`; anything else is text, with the task's fields in braces.
        on_stderr: Whether it is drawn on stderr instead of stdout.
        transient: Whether it goes away when it stops.
    """

    def __init__(self, *columns: str, on_stderr: bool = False, transient: bool = False):
        from rich import progress
        from rich.console import Console

        console = Console(stderr=True) if on_stderr else Console()
        self.is_shown, self._tasks = console.is_terminal, {}
        made = [getattr(progress, COLUMNS[column])() if column in COLUMNS else column for column in columns]
        self._live = progress.Progress(*made, console=console, transient=transient) if self.is_shown else None
        if self._live is not None:
            self._live.start()

    def show(self, name: str, done: float, total: float | None, description: str | None = None, **fields) -> None:
        """How far a task is; the first time adds its bar. A total of None is unknown."""
        if self._live is None:
            return
        description = name if description is None else description
        if name not in self._tasks:
            self._tasks[name] = self._live.add_task(description, total=total, **fields)
        self._live.update(self._tasks[name], completed=done, total=total, description=description, **fields)

    def stop(self) -> None:
        """Leaves the terminal in order; what comes after shows nothing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()
