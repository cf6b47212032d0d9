//! What we have taken from displayed levels: the recording does not know it, so the venue remembers.

/// Contracts of ours taken per level and still displayed in the recording.
#[derive(Debug, Default, Clone)]
pub(crate) struct Taken(Vec<(i8, i32, i64)>);

impl Taken {
    /// Nothing has been taken.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Contracts taken at a level.
    pub fn at(&self, side: i8, px: i32) -> i64 {
        self.0.iter().find(|t| t.0 == side && t.1 == px).map_or(0, |t| t.2)
    }

    /// Remembers `size` more.
    pub fn add(&mut self, side: i8, px: i32, size: i64) {
        match self.0.iter_mut().find(|t| t.0 == side && t.1 == px) {
            Some(t) => t.2 += size,
            None => self.0.push((side, px, size)),
        }
    }

    /// After an update of the book: a level cannot miss more of ours than it displays. `shown` gives the
    /// displayed size, `None` out of sight.
    pub fn refresh(&mut self, shown: impl Fn(i8, i32) -> Option<i64>) {
        self.0.retain_mut(|(side, px, size)| {
            if let Some(displayed) = shown(*side, *px) {
                *size = (*size).min(displayed);
            }
            *size > 0
        });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
