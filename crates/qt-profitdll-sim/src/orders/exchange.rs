//! One instrument at the exchange: its venue, and which venue order is which of ours.

use qt_venue::{Config, NewOrder, OrderType, QueueModel, Venue};

use qt_core::event::PX_NONE;

use super::order::{NO_PRICE, Order, Type};

/// An instrument that can be traded.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Ticker of the contract, no alias.
    pub ticker: String,
    /// Letter of the exchange.
    pub exchange: String,
    /// Points per tick.
    pub tick_size: f64,
    /// Orders are multiples of this many contracts.
    pub lot: i64,
}

impl Listing {
    /// A price in ticks; `None` off the grid.
    pub fn ticks(&self, price: f64) -> Option<i32> {
        let ticks = price / self.tick_size;
        let whole = ticks.round();
        ((ticks - whole).abs() < 1e-6 && whole.abs() < f64::from(i32::MAX)).then_some(whole as i32)
    }

    /// Ticks in points.
    pub fn points(&self, ticks: f64) -> f64 {
        ticks * self.tick_size
    }
}

/// One instrument at the exchange.
#[derive(Debug)]
pub struct Market {
    /// What it is.
    pub listing: Listing,
    /// Matches.
    pub venue: Venue,
    /// `(venue order, our order)` of what works.
    links: Vec<(i64, u64)>,
    /// Stops that wait for their price: `(venue order, our order)`.
    armed: Vec<(i64, u64)>,
    next_id: i64,
    /// `ts_recv` and `sequence` of the last event.
    pub last: (i64, i64),
    /// The last event said that more of its packet follow.
    pub in_packet: bool,
}

impl Market {
    /// A market before its first event.
    ///
    /// # Errors
    /// Text that says which setting is out of range.
    pub fn new(listing: Listing, queue: QueueModel) -> Result<Self, String> {
        if listing.tick_size.is_nan() || listing.tick_size <= 0.0 {
            return Err(format!(
                "{}: tick size {}; expected a positive number",
                listing.ticker, listing.tick_size
            ));
        }
        let venue = Venue::new(Config { lot: listing.lot, queue, ..Config::default() })?;
        Ok(Self {
            listing,
            venue,
            links: Vec::new(),
            armed: Vec::new(),
            next_id: 1,
            last: (i64::MIN, i64::MIN),
            in_packet: false,
        })
    }

    /// Puts what is left of an order into the market.
    ///
    /// # Errors
    /// What the venue finds malformed.
    pub fn enter(&mut self, order: &Order, now: i64) -> Result<(), String> {
        let px = |price: f64| {
            self.listing.ticks(price).ok_or_else(|| format!("price {price} is off the tick grid"))
        };
        let (kind, px, limit_px) = match order.kind {
            Type::Market => (OrderType::Market, PX_NONE, PX_NONE),
            Type::StopLimit if !order.triggered && order.stop_price != NO_PRICE => {
                (OrderType::StopLimit, px(order.stop_price)?, px(order.price)?)
            }
            Type::Limit | Type::StopLimit => (OrderType::Limit, px(order.price)?, PX_NONE),
        };
        let id = self.next_id;
        let side = order.side.sign() as i8;
        let size = order.quantity - order.traded;
        self.venue.submit(
            NewOrder { client_id: id, side, size, kind, px, limit_px, reduce_only: false },
            now.max(self.venue.now_ns()),
        )?;
        self.next_id += 1;
        self.links.push((id, order.key));
        if kind == OrderType::StopLimit {
            self.armed.push((id, order.key));
        }
        self.venue.advance(now);
        Ok(())
    }

    /// Asks the venue to take an order out; its report comes as that of our order. Whether it was in.
    ///
    /// # Errors
    /// What the venue finds malformed.
    pub fn leave(&mut self, key: u64, now: i64) -> Result<bool, String> {
        let Some(id) = self.link_of(key) else { return Ok(false) };
        self.venue.cancel(id, now.max(self.venue.now_ns()))?;
        self.venue.advance(now);
        Ok(true)
    }

    /// Takes an order out of the market without a word: another takes its place.
    ///
    /// # Errors
    /// What the venue finds malformed.
    pub fn withdraw(&mut self, key: u64, now: i64) -> Result<bool, String> {
        let Some(id) = self.link_of(key) else { return Ok(false) };
        self.unlink(id);
        self.venue.cancel(id, now.max(self.venue.now_ns()))?;
        self.venue.advance(now);
        Ok(true)
    }

    /// Our order behind a venue order.
    pub fn order_of(&self, id: i64) -> Option<u64> {
        self.links.iter().find(|l| l.0 == id).map(|l| l.1)
    }

    /// A venue order has ended.
    pub fn unlink(&mut self, id: i64) {
        self.links.retain(|l| l.0 != id);
        self.armed.retain(|l| l.0 != id);
    }

    /// Whether no order of ours works here.
    pub fn is_idle(&self) -> bool {
        self.links.is_empty()
    }

    /// Our stops whose price has printed since the last call.
    pub fn triggered(&mut self) -> Vec<u64> {
        let (venue, mut keys) = (&self.venue, Vec::new());
        self.armed.retain(|(id, key)| {
            let armed = venue.is_armed(*id);
            if !armed {
                keys.push(*key);
            }
            armed
        });
        keys
    }

    fn link_of(&self, key: u64) -> Option<i64> {
        self.links.iter().find(|l| l.1 == key).map(|l| l.0)
    }
}
