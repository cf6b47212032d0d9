//! Sessions: when windows restart and when nothing is sampled.

use qt_core::event::phase;

/// What a session marker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A session starts here.
    Start,
    /// The session ends here.
    Close,
    /// The next contract begins; a session starts if one was running.
    Roll,
    /// The session goes on.
    None,
}

/// The session in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // independent facts, not a state
pub struct Session {
    /// When it started, ns; meaningless before the first event.
    pub start: i64,
    /// Time of its first market record (trade, quote, level, order, bar), ns: windows warm up from here.
    pub first: Option<i64>,
    /// Whether one is running.
    pub open: bool,
    /// Whether one has ever been running.
    pub opened: bool,
    /// Whether there has been an event.
    pub begun: bool,
    /// Phase of the last marker.
    phase: Option<u8>,
    /// An auction started this session: the open that follows does not start another.
    opened_by_auction: bool,
}

impl Session {
    /// Starts a session.
    pub fn start(&mut self, now: i64) {
        self.start = now;
        self.first = None;
        self.open = true;
        self.opened = true;
        self.begun = true;
    }

    /// Takes a marker and says what it does; the caller then calls [`Session::start`] or ends the session.
    pub fn marker(&mut self, code: u8) -> Turn {
        let before = self.phase.replace(code);
        self.begun = true;
        match code {
            phase::OPEN => {
                if std::mem::take(&mut self.opened_by_auction) && self.open {
                    Turn::None
                } else {
                    Turn::Start
                }
            }
            phase::AUCTION if !self.open || before.is_none() => {
                self.opened_by_auction = true;
                Turn::Start
            }
            phase::CLOSED => {
                let was_open = std::mem::replace(&mut self.open, false);
                self.opened_by_auction = false;
                if was_open { Turn::Close } else { Turn::None }
            }
            phase::ROLL => {
                self.opened_by_auction = false;
                // Nothing of the old contract warms anything up, also when no session of the new one has begun.
                self.first = None;
                Turn::Roll
            }
            _ => Turn::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phase::{AUCTION, CLOSED, HALT, OPEN, RESUME};

    fn turns(codes: &[u8]) -> Vec<Turn> {
        let mut s = Session::default();
        codes
            .iter()
            .map(|&c| {
                let turn = s.marker(c);
                if turn == Turn::Start {
                    s.start(0);
                }
                turn
            })
            .collect()
    }

    #[test]
    fn the_open_after_an_opening_auction_goes_on() {
        use Turn::{Close, None, Start};
        assert_eq!(
            turns(&[AUCTION, OPEN, HALT, RESUME, CLOSED, CLOSED, OPEN, OPEN]),
            [Start, None, None, None, Close, None, Start, Start]
        );
        assert_eq!(turns(&[OPEN, AUCTION, OPEN]), [Start, None, Start]);
        assert_eq!(turns(&[AUCTION, CLOSED, OPEN]), [Start, Close, Start]);
        assert_eq!(turns(&[AUCTION, HALT, RESUME, OPEN]), [Start, None, None, None]);
        assert_eq!(turns(&[AUCTION, phase::ROLL, OPEN]), [Start, Turn::Roll, Start]);
    }
}
