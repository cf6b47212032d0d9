//! The objective's line: its name and parameters.

use super::fields::Field;
use crate::error::Error;
use crate::objective::Transform;

/// Objective as written and the transform of its scores; a model trained on a function of the user's has none.
pub fn read(field: Option<Field<'_>>, classes: usize) -> Result<(String, Transform), Error> {
    let Some(field) = field else { return Ok((String::new(), Transform::Identity)) };
    let mut words = field.words();
    let name = words.next().unwrap_or_default();
    let (mut sigmoid, mut named, mut root) = (None, None, false);
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", value)) if sigmoid.is_none() => sigmoid = Some(decimal(value)),
            Some(("num_class", value)) if named.is_none() => named = value.parse::<usize>().ok(),
            None if word == "sqrt" => root = true,
            _ => return Err(field.wrong(&format!("`{}` is not known", word.escape_debug()))),
        }
    }
    let slope = match sigmoid {
        None => 1.0,
        Some(Some(slope)) if slope > 0.0 && slope < f64::INFINITY => slope,
        Some(_) => return Err(field.wrong("sigmoid must be a positive number")),
    };
    let transform = match name {
        "regression" | "regression_l1" | "quantile" | "mape" if root => Transform::SignedSquare,
        "regression" | "regression_l1" | "quantile" | "mape" | "huber" | "fair" | "lambdarank"
        | "rank_xendcg" => Transform::Identity,
        "poisson" | "gamma" | "tweedie" => Transform::Exp,
        "binary" | "multiclassova" => Transform::Sigmoid(slope),
        "cross_entropy" => Transform::Sigmoid(1.0),
        "cross_entropy_lambda" => Transform::Softplus,
        "multiclass" => Transform::Softmax,
        _ => return Err(field.wrong("the objective is not known")),
    };
    let sigmoid_belongs = matches!(name, "binary" | "multiclassova");
    let many = matches!(name, "multiclass" | "multiclassova");
    if (sigmoid.is_some() && !sigmoid_belongs) || (root && transform != Transform::SignedSquare) {
        return Err(field.wrong("the parameter does not belong to this objective"));
    }
    if named != many.then_some(classes) || (!many && classes != 1) {
        return Err(field.wrong(&format!("the model has {classes} classes")));
    }
    Ok((field.value.to_string(), transform))
}

/// A plain decimal as the library reads it: whole and fractional digits apart, then added, so not always the nearest double.
fn decimal(text: &str) -> Option<f64> {
    let digits = |text: &str| {
        let plain = text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.bytes().fold(0.0, |value, b| value * 10.0 + f64::from(b - b'0')))
    };
    let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() {
        return None;
    }
    let value = digits(whole)? + digits(fraction)? / 10f64.powi(fraction.len() as i32);
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 50)?;
    let scale = scale(exponent.unsigned_abs());
    Some(if exponent < 0 { value / scale } else { value * scale })
}

/// Ten to this power, as the library multiplies it up.
fn scale(mut exponent: u32) -> f64 {
    let mut scale = 1.0;
    while exponent >= 8 {
        scale *= 1e8;
        exponent -= 8;
    }
    while exponent > 0 {
        scale *= 10.0;
        exponent -= 1;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(value: &str, classes: usize) -> Result<(String, Transform), Error> {
        read(Some(Field { line: 7, key: "objective", value }), classes)
    }

    #[test]
    fn known_objectives_have_their_transform() {
        for (text, classes, transform) in [
            ("binary sigmoid:2.5", 1, Transform::Sigmoid(2.5)),
            ("binary sigmoid:1e-05", 1, Transform::Sigmoid(1e-5)),
            ("multiclass num_class:3", 3, Transform::Softmax),
            ("multiclassova num_class:4 sigmoid:1", 4, Transform::Sigmoid(1.0)),
            ("regression sqrt", 1, Transform::SignedSquare),
            ("quantile", 1, Transform::Identity),
            ("lambdarank", 1, Transform::Identity),
            ("cross_entropy_lambda", 1, Transform::Softplus),
            ("poisson", 1, Transform::Exp),
        ] {
            assert_eq!(objective(text, classes), Ok((text.to_string(), transform)));
        }
        assert_eq!(read(None, 3), Ok((String::new(), Transform::Identity)));
    }

    #[test]
    fn anything_else_is_refused_with_its_line() {
        for (text, classes, what) in [
            ("focal", 1, "not known"),
            ("", 1, "not known"),
            ("binary sigmoid:-1", 1, "positive"),
            ("binary sigmoid:1 sigmoid:2", 1, "not known"),
            ("binary temperature:2", 1, "`temperature:2` is not known"),
            ("binary", 3, "3 classes"),
            ("multiclass num_class:2", 3, "3 classes"),
            ("multiclass", 3, "3 classes"),
            ("huber sqrt", 1, "does not belong"),
            ("quantile sigmoid:1", 1, "does not belong"),
        ] {
            let error = objective(text, classes).unwrap_err().to_string();
            assert!(error.contains("line 7") && error.contains(what), "{text}: {error}");
        }
    }
}
