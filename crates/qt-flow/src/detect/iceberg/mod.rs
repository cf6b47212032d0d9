//! Icebergs: resting orders that show only a part of their size. Three rules, by what the feed shows.

mod native;
mod synthetic;
mod tape;

pub use native::NativeIceberg;
pub use synthetic::SyntheticIceberg;
pub use tape::TapeIceberg;
