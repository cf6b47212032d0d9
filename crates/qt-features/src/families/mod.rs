//! The families of the catalogue. A feature is one file and one line in its family's list.

pub mod flow;
pub mod footprint;
pub mod liquidity;
pub mod microstructure;
pub mod tape;
pub mod technical;

/// What one feature file contributes.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The catalogue entries it computes.
    pub specs: &'static [crate::spec::Spec],
    /// Makes the state machine of one of them.
    pub build: crate::feature::Build,
}

/// Lists the feature files of a family: `register![trade_imbalance, book_ofi,]`.
#[macro_export]
macro_rules! register {
    ($($file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// The feature files of this family.
        pub const ENTRIES: &[$crate::families::Entry] =
            &[$($crate::families::Entry { specs: $file::SPECS, build: $file::build }),*];
    };
}

/// Every family's list.
pub const ALL: &[&[Entry]] = &[
    flow::ENTRIES,
    tape::ENTRIES,
    footprint::ENTRIES,
    liquidity::ENTRIES,
    microstructure::ENTRIES,
    technical::ENTRIES,
];
