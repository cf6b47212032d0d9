"""Where folds are computed: here, in processes of this machine, or on a Dask cluster. The results are the same.

An executor maps a function over items and gives the results in the order of the items. The function holds the data set; it
travels once per map and worker, items travel one by one.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Protocol, Self

from quantumtrader.exceptions import ConfigError, EngineError, MissingExtraError

__all__ = ["DaskExecutor", "Executor", "ProcessExecutor", "SerialExecutor", "make_executor"]

Done = Callable[[int, Any], None]
"""Told of each result as it arrives: the item's place, and the result."""
_CONNECT_S = 10


class Executor(Protocol):
    """Computes independent things."""

    def map(
        self,
        fn: Callable[[Any], Any],
        items: Iterable[Any],
        *,
        doing: str = "",
        done: Done | None = None,
    ) -> list[Any]:
        """Return ``fn(item)`` of each item, in the order of the items.

        Parameters
        ----------
        fn : callable
            Can be pickled.
        items : iterable
            Can be pickled.
        doing : str
            What this is, for the note on an error.
        done : callable, optional
            Called in this process with each result, in any order.

        Raises
        ------
        Exception
            The first one of ``fn``, with a note that says which item it was; nothing further is begun.
        """
        ...

    def close(self) -> None:
        """Let the workers go."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Closing:
    def close(self) -> None:
        """Let the workers go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SerialExecutor(_Closing):
    """One after the other, in this process."""

    def map(
        self, fn: Callable[[Any], Any], items: Iterable[Any], *, doing: str = "", done: Done | None = None
    ) -> list[Any]:
        """See :class:`Executor`."""
        out = []
        for place, item in enumerate(items):
            try:
                found = fn(item)
            except Exception as error:
                error.add_note(_note(doing, place))
                raise
            out.append(found)
            if done is not None:
                done(place, found)
        return out


class ProcessExecutor(_Closing):
    """Processes of this machine, started anew (``spawn``), kept until :meth:`close`.

    Parameters
    ----------
    workers : int
        Processes; at least 1.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ConfigError(f"workers is {workers}, expected 1 or more")
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def map(
        self, fn: Callable[[Any], Any], items: Iterable[Any], *, doing: str = "", done: Done | None = None
    ) -> list[Any]:
        """See :class:`Executor`."""
        every = list(items)
        if not every:
            return []
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=_begin_worker
            )
            self._folder = tempfile.TemporaryDirectory(prefix="quantumtrader-")
        assert self._folder is not None  # made with the pool
        data = pickle.dumps(fn, protocol=5)
        path = Path(self._folder.name) / hashlib.sha256(data).hexdigest()
        path.write_bytes(data)
        try:
            futures = [self._pool.submit(_call, str(path), item) for item in every]
            return _gather(futures, doing, done)
        except BrokenProcessPool as error:
            self.close()
            raise EngineError(
                f"a worker process ended by itself while {doing or 'computing'}: it was killed, or there was not enough "
                f"memory for {self.workers} workers; use fewer workers and start again: what is done is kept"
            ) from error
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the workers go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()
        self._pool = self._folder = None


class DaskExecutor(_Closing):
    """A Dask cluster; its workers need this package, in the same version.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.5:8786``. Whoever can reach a Dask scheduler can run code on its
        workers: keep it inside a network of your own.

    Raises
    ------
    MissingExtraError
        Without the extra ``cluster``.
    EngineError
        No scheduler answers there.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise MissingExtraError("distributed", "cluster", "a Dask cluster") from error
        if "://" not in address:
            raise ConfigError(f"scheduler is {address!r}; write it as tcp://host:8786")
        self.address = address
        self._distributed: Any = distributed
        try:
            self._client: Any = self._distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:  # distributed's timeouts are OSErrors
            raise EngineError(
                f"no Dask scheduler answers at {address}: {error}; start one with: dask scheduler"
            ) from error

    def map(
        self, fn: Callable[[Any], Any], items: Iterable[Any], *, doing: str = "", done: Done | None = None
    ) -> list[Any]:
        """See :class:`Executor`."""
        every = list(items)
        if not every:
            return []
        if not self._client.scheduler_info()["workers"]:
            raise EngineError(f"the Dask scheduler at {self.address} has no workers; start some: dask worker")
        # As bytes: Dask would take a callable with arguments of its own for a task graph.
        data = self._client.scatter(pickle.dumps(fn, protocol=5), broadcast=True, hash=False)
        futures = [self._client.submit(_call_bytes, data, item, pure=False) for item in every]
        found: dict[int, Any] = {}
        places = {future.key: place for place, future in enumerate(futures)}
        try:
            for future in self._distributed.as_completed(futures, loop=self._client.loop):
                place = places[future.key]
                try:
                    found[place] = future.result()
                except Exception as error:
                    error.add_note(_note(doing, place))
                    raise
                if done is not None:
                    done(place, found[place])
        finally:
            self._client.cancel(futures)
        return [found[place] for place in range(len(every))]

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()


def make_executor(workers: int = 1, scheduler: str | None = None) -> Executor:
    """Return the executor that was asked for.

    Parameters
    ----------
    workers : int
        Processes of this machine; 1 computes in this one.
    scheduler : str, optional
        Address of a Dask scheduler, in place of ``workers``.
    """
    if scheduler:
        return DaskExecutor(scheduler)
    if workers < 1:
        raise ConfigError(f"workers is {workers}, expected 1 or more")
    return SerialExecutor() if workers == 1 else ProcessExecutor(workers)


def _gather(futures: Sequence[Future[Any]], doing: str, done: Done | None) -> list[Any]:
    places = {future: place for place, future in enumerate(futures)}
    found: dict[int, Any] = {}
    try:
        for future in as_completed(futures):
            place = places[future]
            try:
                found[place] = future.result()
            except BrokenProcessPool:
                raise
            except Exception as error:
                error.add_note(_note(doing, place))
                raise
            if done is not None:
                done(place, found[place])
    finally:
        for future in futures:
            future.cancel()
    return [found[place] for place in range(len(futures))]


def _note(doing: str, place: int) -> str:
    return f"while {doing or 'computing'}, part {place}"


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that was asked, which lets its workers go, and end with it where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:  # a worker always has one
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # nobody is left to take a result


_last: tuple[str, Callable[[Any], Any]] | None = None
"""The function of the map in progress: it holds the data, and is read once per worker."""


def _call(path: str, item: Any) -> Any:
    global _last
    if _last is None or _last[0] != path:
        _last = None  # the data before goes first
        _last = (path, pickle.loads(Path(path).read_bytes()))
    return _portably(_last[1], item)


def _call_bytes(data: bytes, item: Any) -> Any:
    global _last
    key = hashlib.sha256(data).hexdigest()
    if _last is None or _last[0] != key:
        _last = (key, pickle.loads(data))
    return _portably(_last[1], item)


def _portably(fn: Callable[[Any], Any], item: Any) -> Any:
    """Call; an error that would not survive the way back is told in words."""
    try:
        return fn(item)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # whatever its constructor wants
            raise EngineError(f"{type(error).__name__}: {error}") from None
        raise
