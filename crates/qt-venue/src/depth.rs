//! The recorded market as the venue sees it: a book by order, a book by level, a touch, or less.

use qt_core::Event;
use qt_core::book::{Book, L2Book, OrderBook, Touch};
use qt_core::event::{Kind, PX_NONE};

/// What fills rest on, from least to most; a stream only ever rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// No event has been seen.
    None,
    /// Bars only.
    Bar,
    /// Prints only.
    Trade,
    /// Best quotes without sizes.
    Quote,
    /// Best quotes with sizes.
    Touch,
    /// A book by price level.
    Book,
    /// A book by order.
    Orders,
}

impl Fidelity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bar => "bar",
            Self::Trade => "trade",
            Self::Quote => "quote",
            Self::Touch => "touch",
            Self::Book => "book",
            Self::Orders => "orders",
        }
    }
}

#[derive(Debug)]
enum Source {
    Touch(Touch),
    Levels(Box<L2Book>),
    Orders(Box<OrderBook>),
}

/// The recorded market.
#[derive(Debug)]
pub(crate) struct Depth {
    source: Source,
    /// A gap before the first book record: the book starts invalid.
    gap: Option<Event>,
    pub fidelity: Fidelity,
}

impl Depth {
    pub fn new() -> Self {
        Self { source: Source::Touch(Touch::NONE), gap: None, fidelity: Fidelity::None }
    }

    /// Applies a book record, a quote or a marker.
    #[inline]
    pub fn apply(&mut self, e: &Event) {
        match &mut self.source {
            Source::Levels(book) => book.apply(e),
            Source::Orders(book) => book.apply(e),
            Source::Touch(_) => self.apply_touch(e),
        }
    }

    #[cold]
    fn start_book(&mut self, e: &Event) {
        let gap = self.gap.take();
        if e.kind == Kind::Level as u8 {
            let mut book = Box::new(L2Book::new());
            gap.iter().chain([e]).for_each(|e| book.apply(e));
            self.source = Source::Levels(book);
            self.fidelity = Fidelity::Book;
        } else {
            let mut book = Box::new(OrderBook::new());
            gap.iter().chain([e]).for_each(|e| book.apply(e));
            self.source = Source::Orders(book);
            self.fidelity = Fidelity::Orders;
        }
    }

    fn apply_touch(&mut self, e: &Event) {
        match e.kind() {
            Some(Kind::Level | Kind::Order) => self.start_book(e),
            Some(Kind::Quote) => {
                let side = |px: i32, size: i32| if px == PX_NONE { 0 } else { i64::from(size.max(0)) };
                let touch = Touch {
                    bid_px: e.px,
                    bid_sz: side(e.px, e.size),
                    ask_px: e.px_ask,
                    ask_sz: side(e.px_ask, e.size_ask),
                };
                let sized = touch.bid_sz > 0 || touch.ask_sz > 0;
                self.raise(if sized { Fidelity::Touch } else { Fidelity::Quote });
                self.source = Source::Touch(touch);
            }
            Some(Kind::Gap) => {
                self.gap = Some(*e);
                self.source = Source::Touch(Touch::NONE);
            }
            Some(Kind::Session) if e.action == qt_core::event::phase::ROLL => {
                self.gap = None;
                self.source = Source::Touch(Touch::NONE);
            }
            _ => {}
        }
    }

    /// Notes that the stream has at least this much.
    #[inline]
    pub fn raise(&mut self, fidelity: Fidelity) {
        self.fidelity = self.fidelity.max(fidelity);
    }

    /// Recorded best prices and sizes.
    #[inline]
    pub fn touch(&self) -> Touch {
        match &self.source {
            Source::Touch(touch) => *touch,
            Source::Levels(book) => book.touch(),
            Source::Orders(book) => book.touch(),
        }
    }

    /// The by-order book, when the stream has one.
    pub fn orders(&self) -> Option<&OrderBook> {
        match &self.source {
            Source::Orders(book) => Some(book),
            _ => None,
        }
    }

    /// Displayed size at a price; `None` when the recording does not show that price: beyond the displayed
    /// depth, behind a bare touch, while the book is invalid, or in a quote without size.
    pub fn shown(&self, side: i8, px: i32) -> Option<i64> {
        match &self.source {
            Source::Touch(t) => {
                let (best, size) = if side > 0 { (t.bid_px, t.bid_sz) } else { (t.ask_px, t.ask_sz) };
                match () {
                    () if best == PX_NONE => None,
                    () if best == px => (size > 0).then_some(size),
                    () if beyond(side, best, px) => Some(0),
                    () => None,
                }
            }
            Source::Levels(book) => shown_in(&**book, side, px),
            Source::Orders(book) => shown_in(&**book, side, px),
        }
    }

    /// Calls `take(px, size)` for the levels of a side, best first, until it returns false. A size of
    /// `i64::MAX` means that the recording does not say.
    pub fn walk(&self, side: i8, mut take: impl FnMut(i32, i64) -> bool) {
        match &self.source {
            Source::Touch(t) => {
                let (best, size) = if side > 0 { (t.bid_px, t.bid_sz) } else { (t.ask_px, t.ask_sz) };
                if best != PX_NONE {
                    take(best, if size > 0 { size } else { i64::MAX });
                }
            }
            Source::Levels(book) => {
                let _ = book.levels(side).all(|l| take(l.px, l.size));
            }
            Source::Orders(book) => {
                let _ = book.levels(side).all(|l| take(l.px, l.size));
            }
        }
    }
}

/// Whether `px` lies behind `than` on its side: a lower bid, a higher ask.
const fn beyond(side: i8, px: i32, than: i32) -> bool {
    if side > 0 { px < than } else { px > than }
}

fn shown_in(book: &impl Book, side: i8, px: i32) -> Option<i64> {
    let size = book.size_at(side, px);
    if size > 0 {
        return Some(size);
    }
    // Nothing at the price: a gap between displayed levels, or out of the displayed window?
    book.levels(side).any(|l| beyond(side, l.px, px)).then_some(0)
}
