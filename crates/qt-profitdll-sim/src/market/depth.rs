//! The price depth: contracts and offers by price, and the vendor's notifications about them.
//!
//! Notifications carry no data: a client reads the ladder, which already holds the whole packet. They are
//! therefore told at the end of a packet, between prepare and flush when there is more than one.

use super::offers::Change;

/// A price of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Price in ticks.
    pub px: i32,
    /// Contracts shown.
    pub size: i64,
    /// Offers that show something.
    pub count: u32,
}

/// Kinds of notification, with the vendor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A price appeared at the top.
    Add = 0,
    /// A price changed.
    Edit = 1,
    /// A price left.
    Delete = 2,
    /// A price appeared below the top.
    Insert = 3,
    /// Everything is to be read anew.
    FullBook = 4,
    /// More than one notification follows.
    Prepare = 5,
    /// The burst is over.
    Flush = 6,
    /// The theoretical price changed.
    Theoretical = 7,
    /// The price at this position and every better one left.
    DeleteFrom = 8,
}

/// The ladder of one side and what was not yet told about it.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    sign: i32,
    /// Worst first.
    groups: Vec<Group>,
    pending: Vec<(usize, Kind)>,
}

impl Ladder {
    /// An empty ladder: 1 for bids, −1 for asks.
    #[must_use]
    pub fn new(sign: i8) -> Self {
        Self { sign: sign.into(), ..Self::default() }
    }

    /// The groups, worst first.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The best group.
    #[must_use]
    pub fn best(&self) -> Option<&Group> {
        self.groups.last()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.groups.clear();
        self.pending.clear();
    }

    /// Applies a change of the offers at a price.
    pub fn apply(&mut self, change: Change) {
        if change.size == 0 && change.count == 0 {
            return;
        }
        let key = |px: i32| i64::from(self.sign) * i64::from(px);
        let at = self.groups.partition_point(|g| key(g.px) < key(change.px));
        let known = self.groups.get(at).is_some_and(|g| g.px == change.px);
        if !known {
            let group = Group { px: change.px, size: change.size, count: change.count.unsigned_abs() };
            self.groups.insert(at, group);
            let position = self.groups.len() - 1 - at;
            self.tell(position, if position == 0 { Kind::Add } else { Kind::Insert });
            return;
        }
        let position = self.groups.len() - 1 - at;
        let group = &mut self.groups[at];
        group.size += change.size;
        group.count = group.count.saturating_add_signed(change.count);
        if group.count == 0 || group.size <= 0 {
            self.groups.remove(at);
            self.tell(position, Kind::Delete);
        } else {
            self.tell(position, Kind::Edit);
        }
    }

    /// Remembers a notification; runs at the top join: edits into one, deletions into a delete-from.
    fn tell(&mut self, position: usize, kind: Kind) {
        match (self.pending.last_mut(), kind) {
            (Some((p, Kind::Edit)), Kind::Edit) if *p == position => {}
            (Some((p, Kind::Edit)), Kind::Delete) if *p == position => {
                self.pending.pop();
                self.tell(position, Kind::Delete);
            }
            (Some((p, k @ (Kind::Delete | Kind::DeleteFrom))), Kind::Delete)
                if position == 0 && (*k == Kind::DeleteFrom || *p == 0) =>
            {
                (*p, *k) = (*p + 1, Kind::DeleteFrom);
            }
            _ => self.pending.push((position, kind)),
        }
    }

    /// Tells what happened since the last call.
    pub fn flush(&mut self, out: &mut impl FnMut(usize, Kind)) {
        let burst = self.pending.len() > 1;
        if burst {
            out(0, Kind::Prepare);
        }
        for (position, kind) in self.pending.drain(..) {
            out(position, kind);
        }
        if burst {
            out(0, Kind::Flush);
        }
    }

    /// Forgets what was not told yet: a full book replaces it.
    pub fn discard(&mut self) {
        self.pending.clear();
    }
}
