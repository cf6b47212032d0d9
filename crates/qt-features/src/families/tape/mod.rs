//! Tape reading: features 41–70.

crate::register![];
