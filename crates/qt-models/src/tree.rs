//! A tree as a loader understands it, before it is packed.

/// How a feature's value is read before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// LightGBM without missing values: NaN and what is as small as [`ZERO`] are 0.
    Filled,
    /// LightGBM with NaN as missing: what is as small as [`ZERO`] is 0, NaN stays.
    Kept,
    /// LightGBM with zero as missing: NaN and what is as small as [`ZERO`] are missing, which is NaN here.
    ZeroMissing,
    /// XGBoost: rounded to single precision, NaN is missing.
    Single,
}

/// Magnitude up to which LightGBM takes a value for zero: `1e-35f`.
pub const ZERO: f64 = 1e-35_f32 as f64;

impl Reading {
    /// The value that is compared; NaN takes the default direction.
    #[inline]
    pub fn read(self, value: f64) -> f64 {
        match self {
            Self::Filled => {
                if value.abs() > ZERO {
                    value
                } else {
                    0.0
                }
            }
            Self::Kept => {
                if value.abs() <= ZERO {
                    0.0
                } else {
                    value
                }
            }
            Self::ZeroMissing => {
                if value.abs() > ZERO {
                    value
                } else {
                    f64::NAN
                }
            }
            Self::Single => f64::from(value as f32),
        }
    }
}

/// What a node asks; a yes goes left.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `value <= threshold`, and `default_left` for a missing one.
    AtMost {
        /// How the value is read.
        reading: Reading,
        /// Not NaN.
        threshold: f64,
        /// Where a missing value goes.
        default_left: bool,
    },
    /// `value < threshold` in single precision, and `default_left` for a missing one.
    Below {
        /// Not NaN.
        threshold: f32,
        /// Where a missing value goes.
        default_left: bool,
    },
    /// The integer part of the value is in this bitset; missing, negative and unknown ones go right.
    In(Vec<u32>),
}

/// A branch's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Child {
    /// Another split of the tree.
    Split(usize),
    /// A leaf's value; not NaN.
    Leaf(f64),
}

/// An inner node.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Feature of the row.
    pub feature: u32,
    /// What is asked.
    pub test: Test,
    /// Where a yes goes.
    pub left: Child,
    /// Where a no goes.
    pub right: Child,
}

/// One tree: its splits, entered at the root.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// Where it is entered.
    pub root: Child,
    /// Inner nodes.
    pub splits: Vec<Split>,
}
