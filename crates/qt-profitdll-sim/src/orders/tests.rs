//! The broker's side over hand-written markets, hand-computed, and over random ones.

mod crash;
mod desk;
mod orders;
mod random;
mod sessions;
