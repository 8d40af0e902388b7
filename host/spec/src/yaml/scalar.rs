//! What a plain scalar means: the core schema of YAML 1.2, in which `on`, `yes` and `0777` are no surprises.

use serde_json::{Number, Value};

/// Reads a plain scalar.
///
/// # Errors
/// Why it is a number that JSON has not.
pub(super) fn plain(text: &str) -> Result<Value, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err("NaN is no value; quote it if a text is meant"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err("an infinite number is no value; quote it if a text is meant");
    }
    if let Some(digits) = text
        .strip_prefix("0x")
        .filter(|d| all(d, |b| b.is_ascii_hexdigit()))
    {
        return integer(u64::from_str_radix(digits, 16).map(Number::from).ok());
    }
    if let Some(digits) = text
        .strip_prefix("0o")
        .filter(|d| all(d, |b| (b'0'..=b'7').contains(&b)))
    {
        return integer(u64::from_str_radix(digits, 8).map(Number::from).ok());
    }
    if all(unsigned, |b| b.is_ascii_digit()) {
        let plain = text.strip_prefix('+').unwrap_or(text);
        let number = plain
            .parse::<u64>()
            .map(Number::from)
            .or_else(|_| plain.parse::<i64>().map(Number::from));
        return integer(number.ok());
    }
    if is_float(unsigned) {
        let number = text.parse::<f64>().ok().and_then(Number::from_f64);
        return number
            .map(Value::Number)
            .ok_or("the number is out of range; quote it if a text is meant");
    }
    Ok(Value::String(text.to_owned()))
}

fn integer(number: Option<Number>) -> Result<Value, &'static str> {
    number
        .map(Value::Number)
        .ok_or("the integer does not fit into 64 bits; quote it if a text is meant")
}

fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is)
}

/// `digits [. digits] [e [sign] digits]`, with a digit on at least one side of the point.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        all(e.strip_prefix(['-', '+']).unwrap_or(e), |b| {
            b.is_ascii_digit()
        })
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    exponent_ok && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        for (text, value) in [
            ("~", json!(null)),
            ("True", json!(true)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("0777", json!(777)),
            ("0o777", json!(511)),
            ("0xff", json!(255)),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            (".", json!(".")),
            ("-", json!("-")),
            ("e5", json!("e5")),
            ("12:30", json!("12:30")),
            ("1_000", json!("1_000")),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn numbers_that_json_has_not_are_refused() {
        for text in [
            ".nan",
            ".inf",
            "-.INF",
            "1e400",
            "18446744073709551616",
            "-9223372036854775809",
        ] {
            assert!(plain(text).is_err(), "{text}");
        }
    }
}
