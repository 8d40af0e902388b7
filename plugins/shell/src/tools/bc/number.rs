//! Numbers of `bc`: whole ones of any size, with a scale: how many of their decimal digits stand behind the point.
//!
//! What an operation leaves out is cut off, never rounded.

use num_bigint::{BigInt, Sign};

/// Most digits that a power may have: more would take longer than any call may.
const MOST_DIGITS: u64 = 10_000_000;

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// The number times ten to the `scale`.
    pub(super) digits: BigInt,
    pub(super) scale: usize,
}

/// Ten to a power.
pub(super) fn ten(power: usize) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(u32::MAX))
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self {
            digits: number.into(),
            scale: 0,
        }
    }
}

impl Number {
    /// Reads a number that is written in a base.
    pub(super) fn read(text: &str, base: u32) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let length = whole.len() + fraction.len();
        let (mut digits, mut power) = (BigInt::ZERO, BigInt::from(1));
        for (at, c) in whole.chars().chain(fraction.chars()).enumerate() {
            let digit = c.to_digit(36).unwrap_or(0);
            // A digit that is too large counts as the largest, but where it stands alone.
            let digit = if length > 1 {
                digit.min(base - 1)
            } else {
                digit
            };
            digits = digits * base + digit;
            if at >= whole.len() {
                power *= base;
            }
        }
        let scale = fraction.len();
        Self {
            digits: digits * ten(scale) / power,
            scale,
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    /// The same with another scale: digits are cut off or zeros put behind.
    pub(super) fn with_scale(&self, scale: usize) -> Self {
        let digits = if scale >= self.scale {
            &self.digits * ten(scale - self.scale)
        } else {
            &self.digits / ten(self.scale - scale)
        };
        Self { digits, scale }
    }

    /// The part before the point.
    pub(super) fn whole(&self) -> BigInt {
        self.with_scale(0).digits
    }

    pub(super) fn to_i64(&self) -> Option<i64> {
        i64::try_from(self.whole()).ok()
    }

    pub(super) fn negated(&self) -> Self {
        Self {
            digits: -&self.digits,
            scale: self.scale,
        }
    }

    /// Both with the larger scale.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, usize) {
        let scale = self.scale.max(other.scale);
        (
            self.with_scale(scale).digits,
            other.with_scale(scale).digits,
            scale,
        )
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let (a, b, scale) = self.aligned(other);
        Self {
            digits: a + b,
            scale,
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }

    pub(super) fn times(&self, other: &Self, scale: usize) -> Self {
        let full = self.scale + other.scale;
        let product = Self {
            digits: &self.digits * &other.digits,
            scale: full,
        };
        product.with_scale(full.min(scale.max(self.scale).max(other.scale)))
    }

    pub(super) fn divided(&self, other: &Self, scale: usize) -> Result<Self, String> {
        if other.is_zero() {
            return Err("Divide by zero".to_owned());
        }
        let above = self.with_scale(scale + other.scale + self.scale).digits;
        let below = &other.digits * ten(self.scale);
        Ok(Self {
            digits: above / below,
            scale,
        })
    }

    /// What a division with this scale leaves over.
    pub(super) fn remainder(&self, other: &Self, scale: usize) -> Result<Self, String> {
        let quotient = self.divided(other, scale)?;
        let full = self.scale.max(scale + other.scale);
        let product = Self {
            digits: &quotient.digits * &other.digits,
            scale: quotient.scale + other.scale,
        };
        Ok(self.minus(&product).with_scale(full))
    }

    pub(super) fn power(&self, exponent: &Self, scale: usize) -> Result<Self, String> {
        let exponent = exponent.to_i64().ok_or("exponent too large in raise")?;
        let times = exponent.unsigned_abs();
        if self.digits.bits().saturating_mul(times) / 3 > MOST_DIGITS {
            return Err("exponent too large in raise".to_owned());
        }
        let times = u32::try_from(times).map_err(|_| "exponent too large in raise")?;
        let full = self.scale.saturating_mul(times as usize);
        let raised = Self {
            digits: self.digits.pow(times),
            scale: full,
        };
        if exponent < 0 {
            Self::from(1).divided(&raised, scale)
        } else {
            Ok(raised.with_scale(full.min(scale.max(self.scale))))
        }
    }

    pub(super) fn root(&self, scale: usize) -> Result<Self, String> {
        if self.digits.sign() == Sign::Minus {
            return Err("Square root of a negative number".to_owned());
        }
        let scale = scale.max(self.scale);
        let digits = (&self.digits * ten(2 * scale - self.scale)).sqrt();
        Ok(Self { digits, scale })
    }

    /// How many digits it has.
    pub(super) fn length(&self) -> usize {
        let digits = self.digits.magnitude().to_string();
        if self.is_zero() {
            self.scale.max(1)
        } else {
            digits.len().max(self.scale)
        }
    }
}
