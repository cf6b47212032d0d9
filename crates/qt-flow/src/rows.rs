//! Changes of displayed size, row by row.

/// What one book record did to the displayed size of one row. Images, clears and gaps change no row: what they
/// show or take away was neither added nor cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowChange {
    /// 1 bid, −1 ask.
    pub side: i8,
    /// Price in ticks.
    pub px: i32,
    /// Contracts displayed before the record.
    pub before: i64,
    /// Contracts displayed after it.
    pub after: i64,
    /// Order that the record is about, 0 where the feed has none.
    pub order_id: i64,
    /// Broker of that order, 0 unknown.
    pub broker: i32,
}

impl RowChange {
    /// Contracts gained, negative when lost.
    #[inline]
    pub const fn change(&self) -> i64 {
        self.after - self.before
    }
}

/// The row changes of the packet that is being applied, in the order of its records.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    enabled: bool,
    changes: Vec<RowChange>,
    voided: bool,
}

impl Rows {
    /// Asks for them.
    pub fn enable(&mut self) {
        self.enabled = true;
        self.changes.reserve(256);
    }

    /// Whether somebody asked for them.
    #[inline(always)]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Takes a change.
    #[inline]
    pub fn note(&mut self, change: RowChange) {
        if self.enabled && change.before != change.after {
            self.changes.push(change);
        }
    }

    /// What was displayed is void: an image, a clear or a gap.
    pub fn void(&mut self) {
        self.voided = self.enabled;
        self.changes.clear();
    }

    /// The changes of the packet; those before a void are not among them.
    #[inline]
    pub fn changes(&self) -> &[RowChange] {
        &self.changes
    }

    /// Whether what was displayed before the packet is void.
    #[inline]
    pub fn voided(&self) -> bool {
        self.voided
    }

    /// Whether the packet has anything to tell.
    #[inline(always)]
    pub fn pending(&self) -> bool {
        self.voided || !self.changes.is_empty()
    }

    /// Begins the next packet.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.voided = false;
    }
}
