//! A client's book by the vendor's rules.

use qt_profitdll_sim::market::depth::Kind as Depth;
use qt_profitdll_sim::market::{Action, Instrument, Offer, Side, Update};

/// What a client holds: per side a list worst first, read only through the updates.
#[derive(Default)]
pub struct Decoder {
    lists: [Vec<Offer>; 2],
    ladders: [Vec<(i32, i64)>; 2],
    tiny: [(i32, i64); 2],
    in_burst: [bool; 2],
    /// Adds, edits, deletes, delete-froms.
    pub seen: [u64; 4],
    pub bursts: u64,
    pub volume: i64,
}

impl Decoder {
    pub fn apply(&mut self, update: &Update, truth: &Instrument) {
        match *update {
            Update::Offer(side, action) => self.offer(side, action),
            Update::FullBook => self.lists = Side::BOTH.map(|side| truth.offers(side).to_vec()),
            Update::Depth { side, kind, .. } => self.depth(side, kind, truth),
            Update::Tiny { side, px, size } => self.tiny[side as usize] = (px, size),
            Update::Trade(print) => self.volume += print.size,
            _ => {}
        }
    }

    fn offer(&mut self, side: Side, action: Action) {
        let list = &mut self.lists[side as usize];
        let index = |position: usize| list.len() - 1 - position;
        match action {
            Action::Add { position, offer } => {
                self.seen[0] += 1;
                list.insert(list.len() - position, offer);
            }
            Action::Edit { position, delta, offer, .. } => {
                self.seen[1] += 1;
                let at = index(position);
                list[at] = Offer { size: list[at].size + delta, ..offer };
            }
            Action::Delete { position } => {
                self.seen[2] += 1;
                list.remove(index(position));
            }
            Action::DeleteFrom { position } => {
                self.seen[3] += 1;
                assert!(position > 0, "a delete-from of the best alone is a delete");
                list.truncate(index(position));
            }
        }
    }

    /// As the vendor advises: skip inside a burst, read the whole side otherwise.
    fn depth(&mut self, side: Side, kind: Depth, truth: &Instrument) {
        match kind {
            Depth::Prepare => self.in_burst[side as usize] = true,
            Depth::Flush => {
                self.in_burst[side as usize] = false;
                self.bursts += 1;
            }
            _ => {}
        }
        if !self.in_burst[side as usize] {
            self.ladders[side as usize] = (0..truth.depth_len(side))
                .filter_map(|position| truth.group(side, position)?.ok())
                .map(|g| (g.px, g.size))
                .collect();
        }
    }

    /// Everything decoded is the truth, and the ladder is the sum of the offers.
    pub fn compare(&self, truth: &Instrument) {
        for side in Side::BOTH {
            assert_eq!(self.lists[side as usize], truth.offers(side));
            let mut sums: Vec<(i32, i64)> = Vec::new();
            for offer in truth.offers(side).iter().filter(|o| o.size > 0) {
                match sums.iter_mut().find(|s| s.0 == offer.px) {
                    Some(sum) => sum.1 += offer.size,
                    None => sums.push((offer.px, offer.size)),
                }
            }
            sums.sort_by_key(|s| -i64::from(s.0) * i64::from(side.sign()));
            assert_eq!(self.ladders[side as usize], sums);
            assert_eq!(self.tiny[side as usize], sums.first().copied().unwrap_or((0, 0)));
        }
    }
}
