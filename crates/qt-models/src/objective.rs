//! From raw scores to predictions, operation by operation as the libraries do it.
//!
//! Exponentials are those of the platform, as in the libraries: another implementation would differ in the last bit.

/// What turns raw scores into predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// The score itself.
    Identity,
    /// `1 / (1 + exp(-s x))` of each score.
    Sigmoid(f64),
    /// Shares that sum to one.
    Softmax,
    /// `sign(x) x^2`.
    SignedSquare,
    /// `exp(x)`.
    Exp,
    /// `log(1 + exp(x))`.
    Softplus,
    /// XGBoost's logistic function, in single precision.
    SingleSigmoid,
    /// XGBoost's softmax, in single precision.
    SingleSoftmax,
}

impl Transform {
    /// Transforms the scores of one row.
    #[inline]
    pub fn apply(self, row: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Sigmoid(slope) => each(row, |x| 1.0 / (1.0 + (-slope * x).exp())),
            Self::Softmax => softmax(row),
            Self::SignedSquare => each(row, |x| sign(x) * x * x),
            Self::Exp => each(row, f64::exp),
            Self::Softplus => each(row, |x| x.exp().ln_1p()),
            Self::SingleSigmoid => each(row, |x| f64::from(single_sigmoid(x as f32))),
            Self::SingleSoftmax => single_softmax(row),
        }
    }
}

#[inline]
fn each(row: &mut [f64], transform: impl Fn(f64) -> f64) {
    for x in row {
        *x = transform(*x);
    }
}

fn sign(x: f64) -> f64 {
    f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
}

fn softmax(row: &mut [f64]) {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, |most, x| if most < x { x } else { most });
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - most).exp();
        sum += *x;
    }
    each(row, |x| x / sum);
}

fn single_sigmoid(x: f32) -> f32 {
    const GUARD: f32 = 1e-16;
    1.0 / ((-x).min(88.7).exp() + 1.0 + GUARD)
}

fn single_softmax(row: &mut [f64]) {
    let most = row.iter().map(|x| *x as f32).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = f64::from((*x as f32 - most).exp());
        sum += *x;
    }
    each(row, |x| f64::from(x as f32 / sum as f32));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied<const N: usize>(transform: Transform, mut row: [f64; N]) -> [f64; N] {
        transform.apply(&mut row);
        row
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        assert_eq!(applied(Transform::Identity, [-2.5]), [-2.5]);
        assert_eq!(applied(Transform::Sigmoid(2.0), [0.0]), [0.5]);
        assert_eq!(applied(Transform::SignedSquare, [-3.0]), [-9.0]);
        assert_eq!(applied(Transform::Exp, [0.0]), [1.0]);
        assert_eq!(applied(Transform::Softplus, [0.0]), [2f64.ln()]);
        assert_eq!(applied(Transform::Softmax, [1e300, 1e300]), [0.5, 0.5]);
        assert_eq!(applied(Transform::SingleSigmoid, [0.0]), [0.5]);
        assert_eq!(applied(Transform::SingleSoftmax, [-7.0; 4]), [0.25; 4]);
    }

    #[test]
    fn extreme_scores_stay_probabilities() {
        for x in [-1e308, -800.0, 800.0, 1e308] {
            assert!((0.0..=1.0).contains(&applied(Transform::Sigmoid(1.0), [x])[0]));
            assert!((0.0..=1.0).contains(&applied(Transform::SingleSigmoid, [x])[0]));
        }
    }
}
