//! The times that `date -d` understands: dates, times, zones, weekdays and offsets, in any order.
//!
//! As in the usual program, an offset needs no sign of its own (`2 days`), a month that is too short runs over into the
//! next (a month after 31 January is 2 or 3 March), and a signed number right after a time of day is its zone.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::said::{Said, Token, tokens};

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: &[&str] = &[
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// The time that a text means.
pub(super) fn parse(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim().to_lowercase();
    if let Some(epoch) = text.strip_prefix('@') {
        let (whole, fraction) = epoch.split_once('.').unwrap_or((epoch, ""));
        let nanos: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        return DateTime::from_timestamp(whole.trim().parse().ok()?, nanos);
    }
    let tokens = tokens(&text)?;
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        today: now.date_naive(),
        said: Said::default(),
    };
    while reader.at < tokens.len() {
        reader.item()?;
    }
    reader.said.end(now)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    today: NaiveDate,
    said: Said,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    /// A number at a place, without a sign.
    fn plain(&self, ahead: usize) -> Option<i64> {
        match self.peek(ahead)? {
            Token::Number {
                sign: None, value, ..
            } => Some(*value),
            _ => None,
        }
    }

    /// What follows a dash within a date: it reads as a number below zero.
    fn dashed(&self, ahead: usize) -> Option<i64> {
        match self.peek(ahead)? {
            Token::Number {
                sign: Some(-1),
                value,
                ..
            } => Some(*value),
            _ => None,
        }
    }

    fn mark(&self, ahead: usize, mark: char) -> bool {
        self.peek(ahead) == Some(&Token::Mark(mark))
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// One date, time, zone, weekday or offset.
    fn item(&mut self) -> Option<()> {
        match self.peek(0)?.clone() {
            Token::Number {
                sign: None,
                value,
                digits,
            } => self.number(value, digits),
            Token::Number {
                sign: Some(sign),
                value,
                ..
            } => {
                self.at += 1;
                self.offset(sign * value)
            }
            Token::Word(word) => self.named(&word),
            Token::Fraction(_) | Token::Mark(_) => None,
        }
    }

    fn set_date(&mut self, year: i64, month: i64, day: i64) -> Option<()> {
        if self.said.date.is_some() {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(
            i32::try_from(year).ok()?,
            u32::try_from(month).ok()?,
            u32::try_from(day).ok()?,
        )?;
        self.said.date = Some(date);
        Some(())
    }

    fn number(&mut self, value: i64, digits: usize) -> Option<()> {
        let year_of = |year: i64, digits: usize| match digits {
            0..=2 if year < 69 => year + 2000,
            0..=2 => year + 1900,
            _ => year,
        };
        if self.mark(1, ':') {
            return self.time_of_day(value);
        }
        if let Some(half) = self.word(1).filter(|word| matches!(*word, "am" | "pm")) {
            let hour = to_hour(value, half)?;
            self.at += 2;
            return self.set_time(hour, 0, 0, 0);
        }
        if self.mark(1, '/') {
            let second = self.plain(2)?;
            if self.mark(3, '/') {
                let Some(Token::Number {
                    sign: None,
                    value: third,
                    digits: last,
                }) = self.peek(4).cloned()
                else {
                    return None;
                };
                self.at += 5;
                return if digits >= 4 {
                    self.set_date(value, second, third)
                } else {
                    self.set_date(year_of(third, last), value, second)
                };
            }
            self.at += 3;
            return self.set_date(self.today.year().into(), value, second);
        }
        if let (Some(month), Some(day)) = (self.dashed(1), self.dashed(2)) {
            self.at += 3;
            return self.set_date(year_of(value, digits), month, day);
        }
        let dash = usize::from(self.mark(1, '-'));
        if let Some(month) = self.word(1 + dash).and_then(month) {
            self.at += 2 + dash;
            let year = match self.peek(0).cloned() {
                Some(Token::Number {
                    sign,
                    value,
                    digits,
                }) if sign != Some(1) && (digits > 2 || sign.is_some()) && !self.mark(1, ':') => {
                    self.at += 1;
                    year_of(value, digits)
                }
                _ => {
                    self.said.is_without_year = true;
                    self.today.year().into()
                }
            };
            return self.set_date(year, month, value);
        }
        self.at += 1;
        if self.word(0).is_some_and(is_unit) {
            return self.offset(value);
        }
        // A number alone: a year that is still missing, a date, or a time.
        if self.said.is_without_year && digits == 4 {
            let date = self.said.date.take()?;
            self.said.is_without_year = false;
            self.set_date(value, date.month().into(), date.day().into())
        } else if digits > 4 {
            self.set_date(value / 10_000, value / 100 % 100, value % 100)
        } else if digits > 2 {
            self.set_time(value / 100, value % 100, 0, 0)
        } else {
            self.set_time(value, 0, 0, 0)
        }
    }

    fn set_time(&mut self, hour: i64, minute: i64, second: i64, nanos: u32) -> Option<()> {
        if self.said.time.is_some() || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let small = |number: i64| u32::try_from(number).ok();
        self.said.time = Some((small(hour)?, small(minute)?, small(second)?, nanos));
        Some(())
    }

    /// `10:30`, `10:30:45.5`, `5:30 pm`, and a zone in numbers.
    fn time_of_day(&mut self, hour: i64) -> Option<()> {
        let minute = self.plain(2)?;
        self.at += 3;
        let (mut second, mut nanos) = (0, 0);
        if self.mark(0, ':') {
            second = self.plain(1)?;
            self.at += 2;
            if let Some(Token::Fraction(fraction)) = self.peek(0) {
                nanos = *fraction;
                self.at += 1;
            }
        }
        let mut hour = hour;
        if let Some(half) = self.word(0).filter(|word| matches!(*word, "am" | "pm")) {
            hour = to_hour(hour, half)?;
            self.at += 1;
        } else if let Some(Token::Number {
            sign: Some(sign),
            value,
            digits,
        }) = self.peek(0).cloned()
        {
            self.at += 1;
            let mut east = if digits > 2 {
                value / 100 * 60 + value % 100
            } else {
                value * 60
            };
            if self.mark(0, ':') {
                east += self.plain(1)?;
                self.at += 2;
            }
            self.said.zone = Some(sign * east).filter(|east| east.abs() <= 24 * 60);
            self.said.zone?;
        }
        self.set_time(hour, minute, second, nanos)
    }

    /// What follows a number that is an offset: its unit, and perhaps `ago`.
    fn offset(&mut self, count: i64) -> Option<()> {
        let unit = self.word(0)?.to_owned();
        if let Some(day) = weekday(&unit) {
            self.at += 1;
            self.said.weekday = Some((count, day));
            return Some(());
        }
        if !is_unit(&unit) {
            return None;
        }
        self.at += 1;
        let is_ago = self.word(0) == Some("ago");
        self.at += usize::from(is_ago);
        self.add(if is_ago { count.checked_neg()? } else { count }, &unit)
    }

    fn add(&mut self, count: i64, unit: &str) -> Option<()> {
        let said = &mut self.said;
        let (sum, each) = match unit.trim_end_matches('s') {
            "year" => (&mut said.months, 12),
            "month" => (&mut said.months, 1),
            "fortnight" => (&mut said.days, 14),
            "week" => (&mut said.days, 7),
            "day" => (&mut said.days, 1),
            "hour" => (&mut said.seconds, 3600),
            "minute" | "min" => (&mut said.seconds, 60),
            "second" | "sec" => (&mut said.seconds, 1),
            _ => return None,
        };
        *sum = sum.checked_add(count.checked_mul(each)?)?;
        said.has_offset = true;
        Some(())
    }

    fn named(&mut self, word: &str) -> Option<()> {
        self.at += 1;
        match word {
            "now" | "today" => self.said.has_offset = true,
            "yesterday" => self.add(-1, "day")?,
            "tomorrow" => self.add(1, "day")?,
            "z" | "utc" | "gmt" | "ut" => self.said.zone = Some(0),
            // Between a date and its time.
            "t" if self.said.date.is_some() => {}
            "last" => self.offset(-1)?,
            "this" => self.offset(0)?,
            "next" => self.offset(1)?,
            _ if is_unit(word) => {
                self.at -= 1;
                self.offset(1)?;
            }
            _ => {
                if let Some(day) = weekday(word) {
                    self.said.weekday = Some((0, day));
                    return Some(());
                }
                let month = month(word)?;
                let day = self.plain(0).filter(|_| !self.mark(1, ':'))?;
                self.at += 1;
                let year = match self.peek(0).cloned() {
                    Some(Token::Number {
                        sign: None,
                        value,
                        digits: 4,
                    }) if !self.mark(1, ':') => {
                        self.at += 1;
                        value
                    }
                    _ => {
                        self.said.is_without_year = true;
                        self.today.year().into()
                    }
                };
                self.set_date(year, month, day)?;
            }
        }
        Some(())
    }
}

/// The hour of a day that has two halves.
fn to_hour(hour: i64, half: &str) -> Option<i64> {
    let half = if half == "pm" { 12 } else { 0 };
    (1..=12).contains(&hour).then_some(hour % 12 + half)
}

/// A name, whole or its first letters.
fn named(names: &[&str], word: &str) -> Option<i64> {
    let is_it = |name: &&str| {
        **name == *word || word.len() >= 3 && name.starts_with(word) && word.len() <= 4
    };
    i64::try_from(names.iter().position(is_it)?).ok()
}

fn month(word: &str) -> Option<i64> {
    named(MONTHS, word).map(|at| at + 1)
}

fn weekday(word: &str) -> Option<i64> {
    named(DAYS, word)
}

fn is_unit(word: &str) -> bool {
    let one = word.trim_end_matches('s');
    matches!(
        one,
        "year"
            | "month"
            | "fortnight"
            | "week"
            | "day"
            | "hour"
            | "minute"
            | "min"
            | "second"
            | "sec"
    )
}
