//! What a date of `date -d` is made of, and the time that it comes to.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// A piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, with its sign if it has one, and how many digits it has.
    Number {
        sign: Option<i64>,
        value: i64,
        digits: usize,
    },
    /// Digits behind a `.` or `,` that follows a number.
    Fraction(u32),
    Word(String),
    Mark(char),
}

/// The pieces of a text, in small letters.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut made: Vec<Token> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut digits = String::new();
        let mut sign = None;
        match c {
            ' ' | '\t' | '\n' => continue,
            '0'..='9' => digits.push(c),
            '+' | '-' => {
                // With room between them or not; what a dash is within a date, its reader knows.
                while chars.peek() == Some(&' ') {
                    chars.next();
                }
                if !chars.peek().is_some_and(char::is_ascii_digit) {
                    made.push(Token::Mark(c));
                    continue;
                }
                sign = Some(if c == '-' { -1 } else { 1 });
            }
            'a'..='z' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphabetic() || *c == '.') {
                    if c != '.' {
                        word.push(c);
                    }
                }
                made.push(Token::Word(word));
                continue;
            }
            '.' | ','
                if chars.peek().is_some_and(char::is_ascii_digit)
                    && matches!(made.last(), Some(Token::Number { .. })) =>
            {
                while let Some(c) = chars.next_if(char::is_ascii_digit) {
                    digits.push(c);
                }
                made.push(Token::Fraction(
                    format!("{digits:0<9}").get(..9)?.parse().ok()?,
                ));
                continue;
            }
            ',' => continue,
            ':' | '/' => {
                made.push(Token::Mark(c));
                continue;
            }
            '(' => {
                // A remark.
                chars.by_ref().find(|c| *c == ')')?;
                continue;
            }
            _ => return None,
        }
        while let Some(c) = chars.next_if(char::is_ascii_digit) {
            digits.push(c);
        }
        let value: i64 = digits.parse().ok()?;
        made.push(Token::Number {
            sign,
            value,
            digits: digits.len(),
        });
    }
    Some(made)
}

/// What the text has said so far.
#[derive(Default)]
pub(super) struct Said {
    pub(super) date: Option<NaiveDate>,
    pub(super) time: Option<(u32, u32, u32, u32)>,
    /// Minutes east.
    pub(super) zone: Option<i64>,
    /// Which one (0 is this or the next, -1 the last), and how many days after Sunday.
    pub(super) weekday: Option<(i64, i64)>,
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) seconds: i64,
    pub(super) has_offset: bool,
    /// The year stands after the time: `Dec 25 10:00 2024`.
    pub(super) is_without_year: bool,
}

impl Said {
    /// The time that all this comes to.
    pub(super) fn end(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let time = match self.time {
            Some((hour, minute, second, nanos)) => {
                NaiveTime::from_hms_nano_opt(hour, minute, second.min(59), nanos)?
            }
            None if self.date.is_some() || self.weekday.is_some() || !self.has_offset => {
                NaiveTime::MIN
            }
            None => now.time(),
        };
        let mut date = self.date.unwrap_or(now.date_naive());
        if self.months != 0 {
            let months = i64::from(date.year()) * 12 + i64::from(date.month0()) + self.months;
            let year = i32::try_from(months.div_euclid(12)).ok()?;
            let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
            let first = NaiveDate::from_ymd_opt(year, month, 1)?;
            date = first.checked_add_signed(Duration::days(i64::from(date.day0())))?;
        }
        date = date.checked_add_signed(Duration::try_days(self.days)?)?;
        if let Some((which, day)) = self.weekday.filter(|_| self.date.is_none()) {
            let today = i64::from(date.weekday().num_days_from_sunday());
            let weeks = which - i64::from(which > 0 && today != day);
            let ahead = (day - today).rem_euclid(7) + 7 * weeks;
            date = date.checked_add_signed(Duration::try_days(ahead)?)?;
        }
        let east = self.zone.unwrap_or(0) * 60;
        let seconds = self.seconds.checked_sub(east)?;
        let time =
            NaiveDateTime::new(date, time).checked_add_signed(Duration::try_seconds(seconds)?)?;
        Some(time.and_utc())
    }
}
