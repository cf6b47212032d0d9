//! Depth and cost of the displayed book: features 91–110.

crate::register![book_imbalance,];
