//! Indicators by name over any numbers: one value at a time or many, through the same state machine.

use super::{Atr, Ema, Macd, Rsi, Sma, Wilder};
use crate::error::Error;

/// The longest indicator.
const LONGEST: i64 = 1_000_000;

/// A state machine that takes one number, or high, low and close.
trait Machine: Send + Sync {
    fn step(&mut self, x: [f64; 3]) -> f64;
    fn many(&mut self, columns: [&[f64]; 3], out: &mut [f64]);
}

/// Steps over one number. A number that is not finite ends it: nothing is bridged.
struct One<F> {
    rule: F,
    broken: bool,
}

impl<F: FnMut(f64) -> f64> One<F> {
    #[inline(always)]
    fn next(&mut self, x: f64) -> f64 {
        self.broken |= !x.is_finite();
        if self.broken { f64::NAN } else { (self.rule)(x) }
    }
}

impl<F: FnMut(f64) -> f64 + Send + Sync> Machine for One<F> {
    fn step(&mut self, x: [f64; 3]) -> f64 {
        self.next(x[0])
    }

    fn many(&mut self, columns: [&[f64]; 3], out: &mut [f64]) {
        for (out, &x) in out.iter_mut().zip(columns[0]) {
            *out = self.next(x);
        }
    }
}

/// The same over high, low and close.
struct Three<F> {
    rule: F,
    broken: bool,
}

impl<F: FnMut(f64, f64, f64) -> f64> Three<F> {
    #[inline(always)]
    fn next(&mut self, high: f64, low: f64, close: f64) -> f64 {
        self.broken |= !(high.is_finite() && low.is_finite() && close.is_finite());
        if self.broken { f64::NAN } else { (self.rule)(high, low, close) }
    }
}

impl<F: FnMut(f64, f64, f64) -> f64 + Send + Sync> Machine for Three<F> {
    fn step(&mut self, [high, low, close]: [f64; 3]) -> f64 {
        self.next(high, low, close)
    }

    fn many(&mut self, [high, low, close]: [&[f64]; 3], out: &mut [f64]) {
        for (((out, &high), &low), &close) in out.iter_mut().zip(high).zip(low).zip(close) {
            *out = self.next(high, low, close);
        }
    }
}

fn one(rule: impl FnMut(f64) -> f64 + Send + Sync + 'static) -> Box<dyn Machine> {
    Box::new(One { rule, broken: false })
}

fn three(rule: impl FnMut(f64, f64, f64) -> f64 + Send + Sync + 'static) -> Box<dyn Machine> {
    Box::new(Three { rule, broken: false })
}

/// A kind of indicator.
struct Kind {
    name: &'static str,
    /// Names of the parameters, each with its default.
    parameters: &'static [(&'static str, Option<i64>)],
    inputs: &'static [&'static str],
    build: fn(&[u32]) -> Box<dyn Machine>,
}

const X: &[&str] = &["x"];
const BAR: &[&str] = &["high", "low", "close"];
const N: &[(&str, Option<i64>)] = &[("n", None)];
const N14: &[(&str, Option<i64>)] = &[("n", Some(14))];
const MACD: &[(&str, Option<i64>)] = &[("fast", Some(12)), ("slow", Some(26)), ("signal", Some(9))];

/// Makes a rule of a block whose value is read after each push.
macro_rules! pushed {
    ($block:expr) => {{
        let mut block = $block;
        one(move |x| {
            block.push(x);
            block.value()
        })
    }};
}

fn macd(p: &[u32], output: fn(f64, f64) -> f64) -> Box<dyn Machine> {
    let mut macd = Macd::new(p[0], p[1], p[2]);
    one(move |x| {
        let (line, signal) = macd.push(x);
        output(line, signal)
    })
}

fn rsi(n: u32) -> Box<dyn Machine> {
    let mut rsi = Rsi::new(n);
    one(move |x| rsi.push(x))
}

fn atr(n: u32) -> Box<dyn Machine> {
    let mut atr = Atr::new(n);
    three(move |high, low, close| {
        atr.push_prices(high, low, close);
        atr.value()
    })
}

/// Every kind: a new one is one line here.
const KINDS: &[Kind] = &[
    Kind { name: "sma", parameters: N, inputs: X, build: |p| pushed!(Sma::new(p[0])) },
    Kind { name: "ema", parameters: N, inputs: X, build: |p| pushed!(Ema::new(p[0])) },
    Kind { name: "wilder", parameters: N, inputs: X, build: |p| pushed!(Wilder::new(p[0])) },
    Kind { name: "rsi", parameters: N14, inputs: X, build: |p| rsi(p[0]) },
    Kind { name: "atr", parameters: N14, inputs: BAR, build: |p| atr(p[0]) },
    Kind { name: "macd", parameters: MACD, inputs: X, build: |p| macd(p, |line, _| line) },
    Kind { name: "macd_signal", parameters: MACD, inputs: X, build: |p| macd(p, |_, signal| signal) },
    Kind { name: "macd_hist", parameters: MACD, inputs: X, build: |p| macd(p, |line, signal| line - signal) },
];

/// Names of the indicators.
pub fn indicator_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|k| k.name)
}

/// An indicator by name.
///
/// ```
/// use qt_features::indicators::Indicator;
///
/// let mut ema = Indicator::new("ema", &[3])?;
/// assert!(ema.update([1.0, 0.0, 0.0]).is_nan());
/// let mut out = [0.0; 2];
/// ema.update_many([&[2.0, 6.0], &[], &[]], &mut out);
/// assert_eq!(out[1], 3.0);
/// # Ok::<(), qt_features::Error>(())
/// ```
pub struct Indicator {
    kind: &'static Kind,
    parameters: Vec<u32>,
    machine: Box<dyn Machine>,
    value: f64,
}

impl Indicator {
    /// The indicator with this name; parameters that are left out have their defaults.
    ///
    /// # Errors
    /// [`Error::Config`] for a name that is not known, and for too few, too many or impossible parameters.
    pub fn new(name: &str, parameters: &[i64]) -> Result<Self, Error> {
        let Some(kind) = KINDS.iter().find(|k| k.name == name) else {
            let known: Vec<&str> = indicator_names().collect();
            return Err(Error::Config(format!(
                "no indicator \"{name}\"; expected one of {}",
                known.join(", ")
            )));
        };
        let given = parameters.iter().copied().map(Some).chain(std::iter::repeat(None));
        let all: Option<Vec<i64>> = kind.parameters.iter().zip(given).map(|(p, x)| x.or(p.1)).collect();
        let Some(all) = all.filter(|_| parameters.len() <= kind.parameters.len()) else {
            let names: Vec<&str> = kind.parameters.iter().map(|p| p.0).collect();
            let text = format!("{name} takes ({}), got {} parameters", names.join(", "), parameters.len());
            return Err(Error::Config(text));
        };
        if let Some((p, x)) = kind.parameters.iter().zip(&all).find(|(_, x)| !(1..=LONGEST).contains(*x)) {
            return Err(Error::Config(format!("{} of {name} is {x}; expected 1 to {LONGEST}", p.0)));
        }
        if kind.parameters == MACD && all[0] >= all[1] {
            let text = format!("fast of {name} is {} and slow is {}; expected fast < slow", all[0], all[1]);
            return Err(Error::Config(text));
        }
        let parameters: Vec<u32> = all.iter().map(|x| *x as u32).collect();
        let machine = (kind.build)(&parameters);
        Ok(Self { kind, parameters, machine, value: f64::NAN })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// Its parameters, defaults included.
    pub fn parameters(&self) -> &[u32] {
        &self.parameters
    }

    /// Names of the numbers that it takes: one, or high, low and close.
    pub fn inputs(&self) -> &'static [&'static str] {
        self.kind.inputs
    }

    /// The value after the last step; NaN before it is warm, and for good after a number that is not finite.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Takes one step and returns the value; inputs that it does not have are left alone.
    #[inline]
    pub fn update(&mut self, x: [f64; 3]) -> f64 {
        self.value = self.machine.step(x);
        self.value
    }

    /// Takes a step for each row of the columns, and writes the value after it. As many steps are taken as the
    /// shortest of `out` and the columns that it has is long.
    pub fn update_many(&mut self, columns: [&[f64]; 3], out: &mut [f64]) {
        self.machine.many(columns, out);
        let steps = columns[..self.kind.inputs.len()].iter().map(|c| c.len()).min().unwrap_or(0);
        if let Some(last) = out[..steps.min(out.len())].last() {
            self.value = *last;
        }
    }

    /// Returns to the state of a new indicator.
    pub fn reset(&mut self) {
        self.machine = (self.kind.build)(&self.parameters);
        self.value = f64::NAN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> Vec<f64> {
        (0..400).map(|k| 5400.0 + f64::from((k * 7919) % 83) * 0.5).collect()
    }

    #[test]
    fn many_steps_are_single_steps_to_the_bit() {
        let close = prices();
        let (high, low): (Vec<f64>, Vec<f64>) = close.iter().map(|c| (c + 1.5, c - 2.0)).unzip();
        for name in indicator_names() {
            let make =
                || Indicator::new(name, if ["sma", "ema", "wilder"].contains(&name) { &[9] } else { &[] });
            let (mut single, mut many) = (make().unwrap(), make().unwrap());
            let columns: [&[f64]; 3] =
                if many.inputs() == BAR { [&high, &low, &close] } else { [&close, &[], &[]] };
            let mut out = vec![0.0; close.len()];
            let (front, back) = out.split_at_mut(123);
            many.update_many(columns.map(|c| &c[..c.len().min(123)]), front);
            many.update_many(columns.map(|c| &c[c.len().min(123)..]), back);
            for (k, got) in out.iter().enumerate() {
                let x = columns.map(|c| c.get(k).copied().unwrap_or(0.0));
                assert_eq!(single.update(x).to_bits(), got.to_bits(), "{name} at {k}");
            }
            assert_eq!(single.value().to_bits(), many.value().to_bits());
            assert!(!single.value().is_nan());
            single.reset();
            assert!(single.value().is_nan() && single.update([1.0; 3]).is_nan());
        }
    }

    #[test]
    fn a_number_that_is_not_finite_ends_it() {
        for (name, bad) in [("rsi", f64::NAN), ("atr", f64::INFINITY)] {
            let mut i = Indicator::new(name, &[2]).unwrap();
            for c in prices() {
                i.update([c + 1.0, c, c]);
            }
            assert!(!i.value().is_nan());
            assert!(i.update([1.0, bad, bad]).is_nan() || name == "rsi");
            assert!(i.update([bad; 3]).is_nan() && i.update([1.0; 3]).is_nan());
            i.reset();
            for _ in 0..3 {
                i.update([1.0; 3]);
            }
            assert_eq!(i.value(), 0.0);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let message = |name: &str, p: &[i64]| Indicator::new(name, p).err().map(|e| e.to_string()).unwrap();
        assert!(
            message("tema", &[3]).starts_with("no indicator \"tema\"; expected one of sma, ema, wilder, rsi")
        );
        assert_eq!(message("ema", &[]), "ema takes (n), got 0 parameters");
        assert_eq!(message("macd", &[1, 2, 3, 4]), "macd takes (fast, slow, signal), got 4 parameters");
        assert_eq!(message("rsi", &[0]), "n of rsi is 0; expected 1 to 1000000");
        assert_eq!(message("macd", &[26]), "fast of macd is 26 and slow is 26; expected fast < slow");
    }
}
