//! The offer book: one list of offers per side, worst first, and the vendor's positional actions on it.
//!
//! Position 0 is the last entry, the best offer. Every operation here changes the list and says what it did as
//! an [`Action`]; a client that applies the actions in order holds the same list.

use std::collections::HashMap;

/// One resting offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offer {
    /// Unique among the live offers of a side.
    pub id: i64,
    /// Price in ticks.
    pub px: i32,
    /// Contracts shown; 0 keeps a place and shows nothing.
    pub size: i64,
    /// Broker, 0 unknown.
    pub agent: i32,
    /// When it was placed or last changed, ns UTC.
    pub ts: i64,
}

/// What happened to the list of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The new offer stands at `position`.
    Add {
        /// Counted from the best.
        position: usize,
        /// The new offer.
        offer: Offer,
    },
    /// The offer at `position` changed.
    Edit {
        /// Counted from the best.
        position: usize,
        /// Signed change of the contracts shown.
        delta: i64,
        /// The offer before the change.
        before: Offer,
        /// The offer after the change.
        offer: Offer,
    },
    /// The offer at `position` left.
    Delete {
        /// Counted from the best.
        position: usize,
    },
    /// The offer at `position` and every better one left: the mark of a sweep.
    DeleteFrom {
        /// Counted from the best.
        position: usize,
    },
}

/// What an operation changed at a price: contracts and number of offers shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Price in ticks.
    pub px: i32,
    /// Contracts added, negative when taken away.
    pub size: i64,
    /// Offers added, negative when taken away.
    pub count: i32,
}

/// The offers of one side.
#[derive(Debug, Clone, Default)]
pub struct Offers {
    /// 1 for bids, −1 for asks: `sign * px` grows towards the best.
    sign: i32,
    list: Vec<Offer>,
    /// Price of every offer addressed by id.
    prices: HashMap<i64, i32>,
    /// Deletions of the best that may still become one delete-from.
    swept: usize,
}

impl Offers {
    /// An empty side: 1 for bids, −1 for asks.
    #[must_use]
    pub fn new(sign: i8) -> Self {
        Self { sign: sign.into(), ..Self::default() }
    }

    /// The offers, worst first.
    #[must_use]
    pub fn list(&self) -> &[Offer] {
        &self.list
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.list.clear();
        self.prices.clear();
        self.swept = 0;
    }

    fn key(&self, px: i32) -> i64 {
        i64::from(self.sign) * i64::from(px)
    }

    /// Index of the first offer at this price or a better one: where the back of the queue is.
    fn back_of(&self, px: i32) -> usize {
        let key = self.key(px);
        self.list.partition_point(|o| self.key(o.px) < key)
    }

    /// Index of the first offer at a better price.
    fn front_of(&self, px: i32) -> usize {
        let key = self.key(px);
        self.list.partition_point(|o| self.key(o.px) <= key)
    }

    /// Index of the offer with this id, in a side that is sorted by price.
    fn find(&self, id: i64) -> Option<usize> {
        let px = *self.prices.get(&id)?;
        (self.back_of(px)..self.front_of(px)).find(|&i| self.list[i].id == id)
    }

    /// The offer with this id.
    #[must_use]
    pub fn by_id(&self, id: i64) -> Option<&Offer> {
        self.find(id).map(|i| &self.list[i])
    }

    /// The offer at a position.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<&Offer> {
        self.list.iter().nth_back(position)
    }

    /// Contracts shown at a price, in a side that is sorted by price.
    #[must_use]
    pub fn size_at(&self, px: i32) -> i64 {
        self.list[self.back_of(px)..self.front_of(px)].iter().map(|o| o.size).sum()
    }

    /// Ends a run of deletions at the best: one delete, or one delete-from.
    pub fn flush(&mut self, out: &mut impl FnMut(Action)) {
        match std::mem::take(&mut self.swept) {
            0 => {}
            1 => out(Action::Delete { position: 0 }),
            n => out(Action::DeleteFrom { position: n - 1 }),
        }
    }

    /// Places an offer at the back of its price.
    pub fn push(&mut self, offer: Offer, out: &mut impl FnMut(Action)) -> Change {
        let position = self.list.len() - self.back_of(offer.px);
        self.prices.insert(offer.id, offer.px);
        self.insert(position, offer, out).unwrap_or(Change { px: offer.px, size: 0, count: 0 })
    }

    /// Places an offer at a position; `None` when the list is too short.
    pub fn insert(&mut self, position: usize, offer: Offer, out: &mut impl FnMut(Action)) -> Option<Change> {
        let at = self.list.len().checked_sub(position)?;
        self.flush(out);
        self.list.insert(at, offer);
        out(Action::Add { position, offer });
        Some(Change { px: offer.px, size: offer.size, count: i32::from(offer.size > 0) })
    }

    /// Replaces the offer at a position, keeping its place: what leaves its old price, what comes to its new one.
    pub fn edit(
        &mut self,
        position: usize,
        offer: Offer,
        out: &mut impl FnMut(Action),
    ) -> Option<[Change; 2]> {
        let at = self.list.len().checked_sub(position + 1)?;
        self.flush(out);
        let before = std::mem::replace(&mut self.list[at], offer);
        out(Action::Edit { position, delta: offer.size - before.size, before, offer });
        let shown = i32::from(offer.size > 0);
        if before.px == offer.px {
            let count = shown - i32::from(before.size > 0);
            let whole = Change { px: offer.px, size: offer.size - before.size, count };
            return Some([whole, Change { px: offer.px, size: 0, count: 0 }]);
        }
        Some([left(&before), Change { px: offer.px, size: offer.size, count: shown }])
    }

    /// Takes out the offer at a position.
    pub fn delete(&mut self, position: usize, out: &mut impl FnMut(Action)) -> Option<Change> {
        let at = self.list.len().checked_sub(position + 1)?;
        let gone = self.list.remove(at);
        self.prices.remove(&gone.id);
        if position == 0 {
            self.swept += 1;
        } else {
            // The run at the best ends first; this position is the one after it.
            self.flush(out);
            out(Action::Delete { position });
        }
        Some(left(&gone))
    }

    /// Takes out the offer at a position and every better one, best last.
    pub fn delete_from(&mut self, position: usize, out: &mut impl FnMut(Action)) -> Option<Vec<Change>> {
        let at = self.list.len().checked_sub(position + 1)?;
        self.flush(out);
        let gone: Vec<_> = self.list.drain(at..).collect();
        for offer in &gone {
            self.prices.remove(&offer.id);
        }
        out(if position == 0 { Action::Delete { position } } else { Action::DeleteFrom { position } });
        Some(gone.iter().map(left).collect())
    }

    /// Takes out the offer with this id.
    pub fn delete_id(&mut self, id: i64, out: &mut impl FnMut(Action)) -> Option<Change> {
        let at = self.find(id)?;
        self.delete(self.list.len() - 1 - at, out)
    }

    /// Changes the offer with this id. More contracts or another price cost its place, fewer do not.
    pub fn edit_id(&mut self, offer: Offer, out: &mut impl FnMut(Action)) -> Option<[Change; 2]> {
        let at = self.find(offer.id)?;
        let before = self.list[at];
        let position = self.list.len() - 1 - at;
        if offer.px == before.px && offer.size <= before.size {
            return self.edit(position, offer, out);
        }
        let gone = self.delete(position, out)?;
        Some([gone, self.push(offer, out)])
    }

    /// Takes contracts off a price: the first `front` from the front of its queue, the others from the back.
    pub fn shrink(
        &mut self,
        px: i32,
        front: i64,
        back: i64,
        ts: i64,
        out: &mut impl FnMut(Action),
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (mut rest, from_front) in [(front, true), (back, false)] {
            while rest > 0 {
                let range = self.back_of(px)..self.front_of(px);
                if range.is_empty() {
                    break;
                }
                let at = if from_front { range.end - 1 } else { range.start };
                let offer = self.list[at];
                let position = self.list.len() - 1 - at;
                let take = rest.min(offer.size);
                rest -= take;
                if take == offer.size {
                    changes.extend(self.delete(position, out));
                } else {
                    let smaller = Offer { size: offer.size - take, ts, ..offer };
                    changes.extend(self.edit(position, smaller, out).into_iter().flatten());
                }
            }
        }
        changes
    }
}

/// What a leaving offer takes with it.
fn left(offer: &Offer) -> Change {
    Change { px: offer.px, size: -offer.size, count: -i32::from(offer.size > 0) }
}
