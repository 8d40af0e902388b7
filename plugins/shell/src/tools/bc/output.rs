//! What `bc` prints: numbers in any base, and lines that are broken after 68 signs.

use num_bigint::{BigInt, Sign};

use super::number::{Number, ten};

/// Signs on a line before it is broken.
const LINE: usize = 68;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The output so far.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
    /// Signs on the line that is being written.
    column: usize,
}

impl Output {
    /// Text as it is.
    pub(super) fn text(&mut self, text: &str) {
        self.text += text;
        self.column = match text.rfind('\n') {
            Some(at) => text.len() - at - 1,
            None => self.column + text.len(),
        };
    }

    pub(super) fn number(&mut self, number: &Number, base: u32) {
        for sign in shown(number, base).chars() {
            if self.column == LINE {
                self.text += "\\\n";
                self.column = 0;
            }
            self.text.push(sign);
            self.column += 1;
        }
    }
}

/// A number in a base.
pub(super) fn shown(number: &Number, base: u32) -> String {
    if number.is_zero() {
        return "0".to_owned();
    }
    let minus = if number.digits.sign() == Sign::Minus {
        "-"
    } else {
        ""
    };
    let size = BigInt::from(number.digits.magnitude().clone());
    let unit = ten(number.scale);
    let (whole, mut fraction) = (&size / &unit, size % &unit);
    if base == 10 {
        let whole = if whole == BigInt::ZERO {
            String::new()
        } else {
            whole.to_string()
        };
        let point = if number.scale > 0 { "." } else { "" };
        let fraction = if number.scale > 0 {
            fraction.to_string()
        } else {
            String::new()
        };
        return format!(
            "{minus}{whole}{point}{fraction:0>wide$}",
            wide = number.scale
        );
    }
    // Digits above F are written in decimal, each as wide as the largest.
    let wide = (base - 1).to_string().len();
    let digit = |digit: &BigInt, is_first: bool| {
        let digit = u32::try_from(digit).unwrap_or(0);
        match DIGITS.get(digit as usize) {
            Some(letter) if base <= 16 => char::from(*letter).to_string(),
            _ if is_first => format!("{digit:0>wide$}"),
            _ => format!(" {digit:0>wide$}"),
        }
    };
    let mut digits = Vec::new();
    let mut rest = whole;
    while rest != BigInt::ZERO {
        digits.push(&rest % base);
        rest /= base;
    }
    let mut text = minus.to_owned();
    for one in digits.iter().rev() {
        text += &digit(one, false);
    }
    if number.scale > 0 {
        text.push('.');
        let mut power = BigInt::from(1);
        let mut is_first = true;
        while power.to_string().len() <= number.scale {
            fraction *= base;
            text += &digit(&(&fraction / &unit), is_first);
            fraction %= &unit;
            power *= base;
            is_first = false;
        }
    }
    text
}
