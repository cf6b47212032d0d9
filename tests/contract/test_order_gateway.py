"""The order gateway over the vendor's structs, against the simulated broker."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator

import pytest

from quantumtrader.exceptions import ConfigError, GatewayError, OrderRefusedError, SessionError
from quantumtrader.gateway import OrderDetails, OrderRef, OrderStage, OrderTicket, ReportKind
from quantumtrader.profitdll.orders import Account, ProfitOrderGateway, accounts
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import library_path, step
from quantumtrader.types import PX_NONE, OrderType, Side

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

MARKET = '[market]\nspeed = "lockstep"\nticker = "WDOU25"\nmax_events = 60000\nseed = 5\n'
ACCOUNT = "15003:1001"


class Trader:
    def __init__(self, scenario: str = "") -> None:
        self.session = ConnectionManagerV4(
            options=SessionOptions(scenario=MARKET + scenario, login_timeout_s=5)
        )
        self.session.initialize("key", "ana", "password", routing=True)
        self.session.subscribe_ticker("WDOU25")
        self.step(2_000)
        self.gateway = self.session.route_orders(ACCOUNT, "WDOU25", signature="assinatura")
        assert isinstance(self.gateway, ProfitOrderGateway)

    def step(self, events: int) -> None:
        step(self.session.library, events)
        self.session.poll()

    def orders(self) -> list[OrderDetails]:
        """All of the vendor's orders; it loads them first."""
        for _ in range(100):
            with contextlib.suppress(GatewayError):
                return self.gateway.orders()
            self.step(10)
            time.sleep(0.005)
        return self.gateway.orders()

    def touch(self) -> tuple[int, int]:
        from quantumtrader import _backend

        book, reader = _backend.core().OrderBook(), self.session.reader()
        while len((part := reader.read(1 << 14))[0]):
            book.update_many(part[0])
        bid, _, ask, _ = book.best()
        return bid, ask

    def until(self, local_id: int, done: Callable[[OrderDetails], bool], events: int = 200) -> OrderDetails:
        for _ in range(200):
            self.step(events)
            details = self.gateway.details(OrderRef(local_id))
            if details is not None and done(details):
                return details
        raise AssertionError(f"order {local_id} is {details}")


@pytest.fixture
def open_trader() -> Iterator[Callable[..., Trader]]:
    opened: list[Trader] = []

    def make(scenario: str = "") -> Trader:
        opened.append(Trader(scenario))
        return opened[-1]

    yield make
    for trader in opened:
        trader.session.disconnect()


def market(side: int, size: int) -> OrderTicket:
    return OrderTicket(side, size, OrderType.MARKET)


def test_a_market_order_fills_and_moves_the_position(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader()
    gateway = trader.gateway
    assert gateway.connected
    assert gateway.position().size == 0
    number = gateway.send(market(Side.BUY, 3))
    assert number > 0
    filled = trader.until(number, lambda d: d.stage is OrderStage.FILLED)
    assert (filled.side, filled.size, filled.traded, filled.leaves) == (1, 3, 3, 0)
    assert filled.ref.cl_ord_id
    assert filled.px == PX_NONE
    assert filled.symbol == "WDOU25"
    _, ask = trader.touch()
    assert abs(filled.average_px - ask) < 60
    position = gateway.position()
    assert position.size == 3
    assert position.average_px == pytest.approx(filled.average_px)
    kinds = {r.kind for r in gateway.take_reports()}
    assert ReportKind.ORDER in kinds
    again = gateway.details(OrderRef(cl_ord_id=filled.ref.cl_ord_id))
    assert again == filled
    gateway.send(market(Side.SELL, 3))
    trader.step(200)
    assert gateway.position().size == 0


def test_a_limit_order_rests_is_changed_and_cancelled(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader()
    gateway = trader.gateway
    bid, _ = trader.touch()
    number = gateway.send(OrderTicket(Side.BUY, 5, OrderType.LIMIT, bid - 40))
    resting = trader.until(number, lambda d: d.stage is OrderStage.WORKING)
    assert (resting.px, resting.traded, resting.leaves) == (bid - 40, 0, 5)
    assert math.isnan(resting.average_px)
    gateway.change(resting.ref, 4, bid - 41, PX_NONE)
    changed = trader.until(number, lambda d: d.px == bid - 41)
    assert (changed.size, changed.ref.cl_ord_id) == (4, resting.ref.cl_ord_id)
    gateway.cancel(changed.ref)
    gone = trader.until(number, lambda d: d.stage is OrderStage.CANCELLED)
    assert gone.traded == 0
    assert [o.ref.cl_ord_id for o in trader.orders()] == [resting.ref.cl_ord_id]


def test_a_stop_is_a_stop_limit_and_waits_for_its_trigger(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader()
    bid, _ = trader.touch()
    ticket = OrderTicket(Side.SELL, 2, OrderType.STOP, bid - 70, bid - 50)
    number = trader.gateway.send(ticket)
    waiting = trader.until(number, lambda d: d.stage is OrderStage.WORKING)
    assert (waiting.type, waiting.px, waiting.stop_px) == (OrderType.STOP, bid - 70, bid - 50)


def test_cancel_all_and_zero_position(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader()
    gateway = trader.gateway
    bid, _ = trader.touch()
    numbers = [gateway.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, bid - 30 - k)) for k in range(3)]
    trader.until(gateway.send(market(Side.SELL, 2)), lambda d: d.stage is OrderStage.FILLED)
    assert gateway.position().size == -2
    gateway.cancel_all()
    for number in numbers:
        trader.until(number, lambda d: d.stage is OrderStage.CANCELLED)
    trader.until(gateway.zero_position(), lambda d: d.stage is OrderStage.FILLED)
    assert gateway.position().size == 0


@pytest.mark.parametrize("stage", ["proxy", "mercury", "gateway", "broker", "market", "risk"])
def test_rejection_at_each_stage_is_told_and_final(open_trader: Callable[..., Trader], stage: str) -> None:
    trader = open_trader(f'[[orders.rules]]\nnth = 1\nreject = "{stage}"\ntext = "Recusada no teste"\n')
    number = trader.gateway.send(market(Side.BUY, 1))
    details = trader.until(number, lambda d: d.stage is OrderStage.REJECTED)
    assert details.traded == 0
    assert "Recusada no teste" in details.text
    reports = trader.gateway.take_reports()
    refused = [r for r in reports if r.kind is ReportKind.REFUSED]
    assert [r.ref.local_id for r in refused] == [number]
    assert trader.gateway.position().size == 0
    # The next order passes.
    trader.until(trader.gateway.send(market(Side.BUY, 1)), lambda d: d.stage is OrderStage.FILLED)


def test_an_order_off_the_tick_blinds_nobody(open_trader: Callable[..., Trader]) -> None:
    """Somebody sends half a tick by hand; the market rejects it, and the vendor lists it for days."""
    trader = open_trader('[[orders.rules]]\nnth = 1\nreject = "market"\ntext = "Preco invalido"\n')
    bid, _ = trader.touch()
    by_hand = ProfitOrderGateway(trader.session, ACCOUNT, "WDOU25", 0.25, signature="assinatura")
    number = by_hand.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, 2 * bid - 41))
    rejected = trader.until(number, lambda d: d.stage is OrderStage.REJECTED)
    assert (rejected.px, rejected.off_tick) == (PX_NONE, True)
    assert f"price {(2 * bid - 41) * 0.25} is off the tick of 0.5" in rejected.text
    assert [o.ref.cl_ord_id for o in trader.orders()] == [rejected.ref.cl_ord_id]
    resting = trader.gateway.send(OrderTicket(Side.BUY, 1, OrderType.LIMIT, bid - 40))
    assert not trader.until(resting, lambda d: d.stage is OrderStage.WORKING).off_tick


def test_a_wrong_signature_and_an_unknown_account(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader('[orders]\npassword = "assinatura"\n')
    for gateway in (
        ProfitOrderGateway(trader.session, ACCOUNT, "WDOU25", 0.5, signature="wrong-signature"),
        ProfitOrderGateway(trader.session, "15003:9999", "WDOU25", 0.5, signature="assinatura"),
    ):
        try:
            number = gateway.send(market(Side.BUY, 1))
        except OrderRefusedError as error:
            told = str(error)
        else:
            told = trader.until(number, lambda d: d.stage is OrderStage.REJECTED).text
        assert "wrong-signature" not in told
        assert "signature" not in repr(gateway)


def test_a_secret_in_the_vendors_words_goes_no_further(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader('[[orders.rules]]\nnth = 1\nreject = "broker"\ntext = "senha assinatura recusada"\n')
    number = trader.gateway.send(market(Side.BUY, 1))
    details = trader.until(number, lambda d: d.stage is OrderStage.REJECTED)
    told = [
        details.text,
        *(r.text for r in trader.gateway.take_reports()),
        *(n.text for n in trader.session.take_news()),
    ]
    assert any("recusada" in text for text in told)
    assert not any("assinatura" in text for text in told)


def test_the_broker_goes_and_comes(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader('[[trouble]]\nevent = 3000\nkind = "broker_down"\nevents = 2000\n')
    trader.step(1_500)
    assert not trader.gateway.connected
    number = trader.gateway.send(market(Side.BUY, 1))  # the library takes it, and gets no further
    trader.until(number, lambda d: d.stage is OrderStage.REJECTED)
    for _ in range(20):
        trader.step(200)
    assert trader.gateway.connected
    kinds = [r.kind for r in trader.gateway.take_reports()]
    assert kinds.index(ReportKind.DISCONNECTED) < kinds.index(ReportKind.CONNECTED)


def test_what_cannot_be_routed(open_trader: Callable[..., Trader]) -> None:
    trader = open_trader()
    for alias in ("WDOFUT", "wdofut", " WdoFut ", "WDO$", "WDO@N"):
        with pytest.raises(ConfigError, match="rejected by the vendor: name the contract"):
            trader.session.route_orders(ACCOUNT, alias)
        with pytest.raises(ConfigError, match="rejected by the vendor: name the contract"):
            ProfitOrderGateway(trader.session, ACCOUNT, alias, 0.5)
    for wrong in ("", " ", "WDO U25", "WDOÜ25", None, 5):
        with pytest.raises(ConfigError, match="no ticker"):
            trader.session.route_orders(ACCOUNT, wrong)  # type: ignore[arg-type]
    assert trader.session.route_orders(ACCOUNT, " wdou25 ").symbol == "WDOU25"
    with pytest.raises(ConfigError, match="BROKER:ACCOUNT"):
        trader.session.route_orders("1001", "WDOU25")
    assert ACCOUNT in {str(a) for a in accounts(trader.session)}


def test_market_sessions_route_nothing() -> None:
    with ConnectionManagerV4(options=SessionOptions(scenario=MARKET, login_timeout_s=5)) as session:
        session.initialize("key", "ana", "password")
        with pytest.raises(SessionError, match="routing=True"):
            session.route_orders(ACCOUNT, "WDOU25")


def test_accounts_as_text() -> None:
    assert str(Account.parse("15003:1001:S1")) == "15003:1001:S1"
    assert str(Account.parse(" 15003 : 1001 ")) == "15003:1001"
    for wrong in ("", "1001", "x:1", "1:", "1: ", "1:2:3:4", "²:5", "٣:5", None):
        with pytest.raises(ConfigError, match="BROKER:ACCOUNT"):
            Account.parse(wrong)  # type: ignore[arg-type]


def test_orders_of_an_earlier_session_are_found_by_their_permanent_number(tmp_path) -> None:  # type: ignore[no-untyped-def]
    scenario = f'[orders]\nstate_file = "{tmp_path / "broker.state"}"\n'
    first = Trader(scenario)
    bid, _ = first.touch()
    number = first.gateway.send(OrderTicket(Side.BUY, 2, OrderType.LIMIT, bid - 60))
    known = first.until(number, lambda d: bool(d.ref.cl_ord_id) and d.stage is OrderStage.WORKING)
    first.session.disconnect()
    second = Trader(scenario)
    try:
        for _ in range(50):
            found = [o for o in second.orders() if o.ref.cl_ord_id == known.ref.cl_ord_id]
            if found:
                break
            time.sleep(0.01)
        assert [(o.side, o.size, o.px, o.stage) for o in found] == [(1, 2, bid - 60, OrderStage.WORKING)]
        second.gateway.cancel(OrderRef(cl_ord_id=known.ref.cl_ord_id))
        for _ in range(50):
            second.step(200)
            if second.gateway.details(OrderRef(cl_ord_id=known.ref.cl_ord_id)).stage.final:  # type: ignore[union-attr]
                break
        else:
            raise AssertionError("the cancel never arrived")
    finally:
        second.session.disconnect()
