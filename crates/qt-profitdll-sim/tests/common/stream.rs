//! Random event streams.

use qt_core::Event;
use qt_core::event::{Kind, action, flag};
use qt_venue::prng::Rng;

/// How a source names what it changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    ById,
    ByPosition,
    Levels,
}

/// Random book updates, trades, clears, snapshots and gaps, in packets of one to eight records.
pub struct Stream {
    rng: Rng,
    scheme: Scheme,
    ids: Vec<i64>,
    lengths: [usize; 2],
    next_id: i64,
    sequence: i64,
    more: u64,
    /// Adds left in a full image.
    image: u64,
}

impl Stream {
    pub fn new(seed: u64, scheme: Scheme) -> Self {
        let rng = Rng::new(seed);
        Self { rng, scheme, ids: Vec::new(), lengths: [0; 2], next_id: 0, sequence: 0, more: 0, image: 0 }
    }

    fn update(&mut self) -> Event {
        let side = if self.rng.chance(500) { 1 } else { -1 };
        let px = 1_000 - i32::from(side) * (1 + self.rng.below(25) as i32);
        let size = 1 + self.rng.below(9) as i32;
        let e = Event { side, px, size, ref_a: 1 + self.rng.below(40) as i32, ..Event::default() };
        match self.scheme {
            Scheme::ById => self.by_id(e),
            Scheme::ByPosition => self.by_position(e),
            Scheme::Levels => {
                let action = [action::ADD, action::EDIT, action::DELETE][self.rng.below(3) as usize];
                let size = if action == action::DELETE { 0 } else { e.size };
                Event { kind: Kind::Level as u8, action, size, ref_a: 0, ..e }
            }
        }
    }

    fn by_id(&mut self, e: Event) -> Event {
        let e = Event { kind: Kind::Order as u8, ref_b: -1, ..e };
        let crowded = 300 + 4 * self.ids.len() as u64;
        if self.ids.is_empty() || !self.rng.chance(crowded.min(900)) {
            self.next_id += 1;
            self.ids.push(self.next_id);
            return Event { action: action::ADD, id: self.next_id, ..e };
        }
        let at = self.rng.below(self.ids.len() as u64) as usize;
        if self.rng.chance(500) {
            return Event { action: action::DELETE, id: self.ids.swap_remove(at), side: 0, ..e };
        }
        // An edit carries the side of nothing: its price must stay on the order's own side.
        let flags = flag::DELTA;
        Event { action: action::EDIT, id: self.ids[at], px: qt_core::event::PX_NONE, flags, side: 0, ..e }
    }

    fn by_position(&mut self, e: Event) -> Event {
        let length = &mut self.lengths[usize::from(e.side < 0)];
        let e = Event { kind: Kind::Order as u8, id: self.sequence, ..e };
        let crowded = 300 + 4 * *length as u64;
        if *length == 0 || !self.rng.chance(crowded.min(900)) {
            *length += 1;
            let position = self.rng.below(*length as u64) as i32;
            return Event { action: action::ADD, ref_b: position, ..e };
        }
        let position = self.rng.below(*length as u64) as i32;
        let e = Event { ref_b: position, ..e };
        match self.rng.below(100) {
            0..40 => Event { action: action::EDIT, ..e },
            40..92 => {
                *length -= 1;
                Event { action: action::DELETE, ..e }
            }
            _ => {
                let position = position.min(5);
                *length -= position as usize + 1;
                Event { action: action::DELETE_FROM, ref_b: position, ..e }
            }
        }
    }

    fn bound(&mut self, bound: u8) -> Event {
        self.ids.clear();
        self.lengths = [0; 2];
        let levels = self.scheme == Scheme::Levels;
        let kind = if levels { Kind::Level } else { Kind::Order } as u8;
        let ref_b = if self.scheme == Scheme::ById { -1 } else { 0 };
        Event { kind, action: bound, ref_b, ..Event::default() }
    }

    fn draw(&mut self) -> Event {
        if self.image > 0 {
            self.image -= 1;
            if self.image == 0 {
                let ids = std::mem::take(&mut self.ids);
                let lengths = self.lengths;
                let end = self.bound(action::SNAPSHOT_END);
                (self.ids, self.lengths) = (ids, lengths);
                return end;
            }
            let mut e = self.update();
            e.flags |= flag::SNAPSHOT;
            return e;
        }
        match self.rng.below(2_000) {
            0 => {
                self.image = 2 + self.rng.below(60);
                self.bound(action::SNAPSHOT_BEGIN)
            }
            1 => self.bound(action::CLEAR),
            2 => {
                self.bound(action::NONE);
                Event { kind: Kind::Gap as u8, ..Event::default() }
            }
            3..200 => {
                let (px, size) = (995 + self.rng.below(10) as i32, 1 + self.rng.below(9) as i32);
                let side = [-1, 0, 1][self.rng.below(3) as usize];
                Event { kind: Kind::Trade as u8, px, size, side, ..Event::default() }
            }
            _ => self.update(),
        }
    }
}

impl Iterator for Stream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut e = self.draw();
        self.sequence += 1;
        e.sequence = self.sequence;
        e.ts_event = self.sequence * 1_000_000;
        if self.more == 0 {
            self.more = self.rng.below(8);
        } else {
            self.more -= 1;
        }
        if self.more > 0 || self.image > 0 {
            e.flags |= flag::MORE;
        }
        Some(e)
    }
}
