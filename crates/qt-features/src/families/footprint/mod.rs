//! Footprint: features 71–90.

crate::register![];
