//! Log ratio of what is bid to what is offered.

use super::STATE;
use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 97,
    name: "book_pressure",
    definition: "ln(D_b/D_a), occupied levels 1–10; NaN while a side is empty",
    zero: Zero::Nan,
    source: "design documents",
    ..STATE
}];

struct BookPressure;

impl Feature for BookPressure {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        match flow.depth() {
            Some([bid, ask]) if bid.ten > 0 && ask.ten > 0 => (bid.ten as f64 / ask.ten as f64).ln(),
            _ => f64::NAN,
        }
    }
}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    setup.changes_with(cause::BOOK);
    setup.flow.want_ladder();
    Box::new(BookPressure)
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_book;

    #[test]
    fn by_hand() {
        assert_eq!(on_book("book_pressure", &[(10, 3), (9, 5)], &[(11, 8)]), 0.0);
        assert_eq!(on_book("book_pressure", &[(10, 16)], &[(11, 8)]), 2f64.ln());
        assert!(on_book("book_pressure", &[(10, 16)], &[]).is_nan());
    }
}
