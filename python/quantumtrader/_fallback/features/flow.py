"""The state engines of one stream, shared by all features."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from quantumtrader._fallback.features.bars import Bars
from quantumtrader._fallback.features.depth import Depth
from quantumtrader._fallback.features.detect.detection import Sink, parameters
from quantumtrader._fallback.features.detect.detectors import Detectors
from quantumtrader._fallback.features.feed import Feed, RowChange
from quantumtrader._fallback.features.footprints import Footprints
from quantumtrader._fallback.features.grids import Grid
from quantumtrader._fallback.features.mids import Mids
from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.parents import Parents
from quantumtrader._fallback.features.profile import Profile
from quantumtrader._fallback.features.tape import Tape
from quantumtrader._fallback.features.touch import Touch, TouchState, order_flow_imbalance
from quantumtrader._fallback.features.windows import TimeSum
from quantumtrader.types import Fitted


class Flow:
    """Tape, touch, depth, profile, bars and sampled series; each is fed once per event.

    Parameters
    ----------
    tick_size : float
        Points per tick.
    rlp_by_quote : bool
        Whether retail-liquidity prints are signed against the mid.
    feed : Feed
        Where the touch comes from.
    session_seconds : float, optional
        Scheduled length of the continuous session; None where it is not known.
    settings : SimpleNamespace, optional
        Thresholds of the detectors.
    sink : Sink, optional
        Where detections go.
    """

    def __init__(
        self,
        tick_size: float,
        rlp_by_quote: bool,
        feed: Feed,
        session_seconds: float | None = None,
        settings: SimpleNamespace | None = None,
        sink: Sink | None = None,
    ) -> None:
        self.settings = parameters() if settings is None else settings
        self.sink = Sink([]) if sink is None else sink
        self.now = 0
        """Engine time."""
        self.session: tuple[int, int] | None = None
        """Start of the session and time of its first market event; None before that."""
        self.detectors: Detectors | None = None
        self.tick_size = tick_size
        self.session_seconds = session_seconds
        self.tick_value = NAN
        """Money per tick and contract."""
        self.fitted = Fitted()
        self.session_start: int | None = None
        """When the session in force, or the last one, of this contract began."""
        self.feed = feed
        self.tape = Tape(rlp_by_quote)
        self.touch = TouchState()
        self.depth = Depth()
        self.bars = Bars()
        self.footprints = Footprints()
        self.parents = Parents()
        self.row_listeners: list[Callable[[int, list[RowChange], bool], None]] = []
        """Hear of the row changes of a packet at its end, and whether it voided what was displayed before."""
        # Parents first: a print that ends one is told of afterwards.
        self.tape.listeners.append(self.parents.add)
        self.tape.listeners.append(self.bars.add)
        self.tape.listeners.append(self.footprints.add)
        self.by_book = False
        """Whether the touch is that of a book."""
        self.parents.gap_ns = self.settings.sweep_gap_ns
        self._grids: list[Grid] = []
        self._ofi: dict[int, TimeSum] = {}
        self._profile: Profile | None = None
        self._mids: Mids | None = None

    def want_detector(self, *kinds: str) -> Detectors:
        """Run the detectors of these kinds."""
        if self.detectors is None:
            self.detectors = Detectors(self, self.settings, self.sink)
            self.parents.listeners.append(self.detectors.on_parent)
            self.tape.listeners.append(self.detectors.on_print)
            self.feed.order_listeners.append(self.detectors.on_order)
        bars = {"absorption_bar", "exhaustion"}.intersection(kinds)
        if bars and self.detectors.on_footprint not in self.footprints.listeners:
            # Before features, like everything that detectors hear of.
            self.footprints.listeners.insert(0, self.detectors.on_footprint)
        for kind in kinds:
            self.detectors.want(kind)
        return self.detectors

    def size_at(self, side: int, px: int) -> int | None:
        """Return what is displayed at a row after the last record; None without a valid book."""
        return self.feed.size_at(side, px)

    @property
    def profile(self) -> Profile:
        """Volume at price of the session."""
        if self._profile is None:
            self._profile = Profile()
            self.tape.listeners.append(self._profile.add)
        return self._profile

    @property
    def mids(self) -> Mids:
        """The mid of the session and its changes."""
        if self._mids is None:
            self._mids = Mids(self.touch.current)
            self.touch.watchers.append(self._mids.watch)
        return self._mids

    def ofi(self, window_ns: int) -> TimeSum:
        """Sums of e_n, of updates, and of bid plus ask size after each update."""
        if window_ns not in self._ofi:
            window = self._ofi[window_ns] = TimeSum(window_ns, 3)

            def add(t: int, before: Touch, after: Touch) -> None:
                window.add(t, order_flow_imbalance(before, after), 1, after.bid_sz + after.ask_sz)

            self.touch.listeners.append(add)
        return self._ofi[window_ns]

    def grid(self, step_ns: int, length: int, read: Callable[[int], int | None]) -> Grid:
        """Return a new series sampled from the session start on."""
        self._grids.append(Grid(step_ns, length, read))
        return self._grids[-1]

    def begin(self, start: int) -> None:
        """Begin a session: windows, profile and series restart; book and touch stay."""
        self.session_start = start
        self.tape.restart()
        self.parents.restart()
        for window in self._ofi.values():
            window.restart()
        if self._profile is not None:
            self._profile.restart()
        if self._mids is not None:
            self._mids.restart(start)
        for grid in self._grids:
            grid.restart()
        self.bars.begin(start)
        self.footprints.begin(start)
        self.session = None
        if self.detectors is not None:
            self.detectors.restart()
        # A packet may be open across the marker: what its records added before is the old session's.
        self.feed.additions, self.feed.rows, self.feed.voided = [], [], False

    def first_event(self, start: int, t: int) -> None:
        """Take the first market event of a session: sampled series begin with it."""
        self.session = start, t
        for grid in self._grids:
            grid.begin(start, t)

    def advance(self, t: int) -> None:
        """Let time pass: parents end, series are sampled up to, and not at, ``t``."""
        self.pass_time(t)
        for grid in self._grids:
            grid.advance(t)

    def pass_time(self, t: int) -> None:
        """Let time pass for parents and detectors."""
        certain = self.parents.ends(t)
        if self.detectors is not None and certain is not None:
            self.detectors.advance(certain)
        self.parents.advance(t)
        if self.detectors is not None:
            self.detectors.advance(t)

    def break_chain(self) -> None:
        """Void what the next touch and ladder would be compared with."""
        self.touch.drop_reference()
        self.depth.drop_reference()

    def end_packet(self, t: int) -> None:
        """Evaluate the touch and the book, if a record of the packet was about them."""
        if not self.feed.dirty:
            return
        self.feed.dirty, self.by_book = False, self.feed.book is not None
        was = self.touch.current
        self.touch.evaluate(t, self.feed.touch())
        if self.feed.book is not None:
            self.depth.evaluate(t, self.feed, self.touch.current is not None)
        rows, voided = self.feed.rows, self.feed.voided
        self.feed.rows, self.feed.voided = [], False
        if self.detectors is not None:
            self.detectors.on_packet(t, self.touch.current, self.touch.current != was, rows, voided)
        if rows or voided:
            for listener in self.row_listeners:
                listener(t, rows, voided)
