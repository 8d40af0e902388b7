//! The functions of `bc -l`: sine, cosine, arctangent, logarithm and exponential, to any scale.
//!
//! Each is a series, counted with more digits than are wanted and cut at the end.

use num_bigint::{BigInt, Sign};

use super::number::{Number, ten};

/// Digits counted beyond those that are wanted.
const GUARD: usize = 12;

/// A function by its letter.
pub(super) fn call(letter: char, number: &Number, scale: usize) -> Result<Number, String> {
    // Digits before the point need as many more behind it.
    let guard = GUARD + number.whole().to_string().len();
    let work = Work {
        scale: scale + guard,
    };
    let x = number.with_scale(work.scale).digits;
    let digits = match letter {
        's' => work.sine(x),
        'c' => work.sine(x + work.pi() / 2),
        'a' => work.arctangent(&x),
        'l' if x.sign() != Sign::Plus => {
            // As the usual one answers: the largest number below zero that it can write.
            return Ok(Number {
                digits: BigInt::from(1) - ten(2 * scale),
                scale,
            });
        }
        'l' => work.logarithm(&x),
        'e' => return work.exponential(number, scale),
        _ => return Err(format!("Function {letter} not defined.")),
    };
    Ok(Number {
        digits,
        scale: work.scale,
    }
    .with_scale(scale))
}

/// Fixed-point arithmetic with a scale.
struct Work {
    scale: usize,
}

impl Work {
    fn one(&self) -> BigInt {
        ten(self.scale)
    }

    fn pi(&self) -> BigInt {
        // Machin's formula.
        let of = |n: i64| self.arctangent_of_one_over(n);
        (of(5) * 16) - (of(239) * 4)
    }

    fn arctangent_of_one_over(&self, n: i64) -> BigInt {
        let mut power = self.one() / n;
        let (mut sum, mut k) = (power.clone(), 1_i64);
        while power.sign() != Sign::NoSign {
            power /= -(n * n);
            k += 2;
            sum += &power / k;
        }
        sum
    }

    fn sine(&self, x: BigInt) -> BigInt {
        let one = self.one();
        let x: BigInt = x % (self.pi() * 2);
        let square = &x * &x / &one;
        let (mut term, mut sum, mut k) = (x.clone(), x, 1_i64);
        while term.sign() != Sign::NoSign {
            term = -(term * &square / &one) / ((k + 1) * (k + 2));
            k += 2;
            sum += &term;
        }
        sum
    }

    fn arctangent(&self, x: &BigInt) -> BigInt {
        let one = self.one();
        // Made smaller until the series is short: atan x = 2 atan(x / (1 + sqrt(1 + x²))).
        let (mut x, mut halved) = (x.clone(), 0_u32);
        let small = &one / 8;
        while BigInt::from(x.magnitude().clone()) > small {
            let root = (&one * &one + &x * &x).sqrt();
            x = &x * &one / (&one + root);
            halved += 1;
        }
        let square = &x * &x / &one;
        let (mut power, mut sum, mut k) = (x.clone(), x, 1_i64);
        while power.sign() != Sign::NoSign {
            power = -(power * &square / &one);
            k += 2;
            sum += &power / k;
        }
        sum << halved
    }

    fn logarithm(&self, x: &BigInt) -> BigInt {
        let one = self.one();
        // Made near one by square roots, each of which halves the logarithm.
        let (mut x, mut halved) = (x.clone(), 0_u32);
        let near = &one / 10;
        while BigInt::from((&x - &one).magnitude().clone()) > near {
            x = (&x * &one).sqrt();
            halved += 1;
        }
        let ratio = (&x - &one) * &one / (&x + &one);
        let square = &ratio * &ratio / &one;
        let (mut power, mut sum, mut k) = (ratio.clone(), ratio, 1_i64);
        while power.sign() != Sign::NoSign {
            power = power * &square / &one;
            k += 2;
            sum += &power / k;
        }
        (sum * 2) << halved
    }

    /// The exponential has as many digits before the point as its argument says.
    fn exponential(&self, number: &Number, scale: usize) -> Result<Number, String> {
        let whole = number
            .to_i64()
            .filter(|whole| *whole < 100_000)
            .ok_or("exponent too large")?;
        if whole < -100_000 {
            return Ok(Number {
                digits: BigInt::ZERO,
                scale,
            });
        }
        let extra = usize::try_from(whole.max(0)).unwrap_or(0) / 2;
        let work = Self {
            scale: self.scale + extra,
        };
        let one = work.one();
        // Made small by halving, and squared as often again.
        let mut x = number.with_scale(work.scale).digits;
        let mut halved = 0;
        while BigInt::from(x.magnitude().clone()) > one {
            x /= 2;
            halved += 1;
        }
        let (mut term, mut sum, mut k) = (one.clone(), one.clone(), 1_i64);
        while term.sign() != Sign::NoSign {
            term = term * &x / &one / k;
            k += 1;
            sum += &term;
        }
        for _ in 0..halved {
            sum = &sum * &sum / &one;
        }
        Ok(Number {
            digits: sum,
            scale: work.scale,
        }
        .with_scale(scale))
    }
}
