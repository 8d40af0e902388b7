//! Comparisons that a missing value makes false.
//!
//! minijinja orders values of different kinds somehow, so that `missing < 3` is true. A workflow that goes on because
//! a value is missing is the worst of outcomes. So `a < b` becomes a call of a filter which knows better: nothing is
//! smaller or larger than nothing, and a text is not compared with a number in silence.

use std::cmp::Ordering;

use minijinja::{Environment, Error, ErrorKind, Value, value::ValueKind};

use super::scan::{Kind, Word, tags};

/// An ordering: how it is written, the filter that stands for it, the tests of the same meaning, and the orders that
/// make it true.
struct Operator {
    mark: &'static str,
    filter: &'static str,
    tests: &'static [&'static str],
    holds: &'static [Ordering],
}

const OPERATORS: [Operator; 4] = [
    Operator {
        mark: "<",
        filter: "__less",
        tests: &["lt", "lessthan", "<"],
        holds: &[Ordering::Less],
    },
    Operator {
        mark: "<=",
        filter: "__at_most",
        tests: &["le", "<="],
        holds: &[Ordering::Less, Ordering::Equal],
    },
    Operator {
        mark: ">",
        filter: "__greater",
        tests: &["gt", "greaterthan", ">"],
        holds: &[Ordering::Greater],
    },
    Operator {
        mark: ">=",
        filter: "__at_least",
        tests: &["ge", ">="],
        holds: &[Ordering::Greater, Ordering::Equal],
    },
];

/// Adds the filters and tests to an environment.
pub(super) fn install(environment: &mut Environment<'static>) {
    for operator in OPERATORS {
        let holds = move |left: &Value, right: &Value| -> Result<bool, Error> {
            Ok(order(left, right)?.is_some_and(|order| operator.holds.contains(&order)))
        };
        environment.add_filter(operator.filter, holds);
        for test in operator.tests {
            environment.add_test(*test, holds);
        }
    }
}

/// How two values are ordered; not at all when one is missing.
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Error> {
    let is_nothing = |value: &Value| value.is_undefined() || value.is_none();
    if is_nothing(left) || is_nothing(right) {
        return Ok(None);
    }
    let kind = |value: &Value| match value.kind() {
        ValueKind::Bool | ValueKind::Number => ValueKind::Number,
        ValueKind::Iterable => ValueKind::Seq,
        kind => kind,
    };
    if kind(left) == kind(right) {
        return Ok(Some(left.cmp(right)));
    }
    let detail = format!(
        "a {} cannot be compared with a {}; convert one, e.g. with `| float`",
        left.kind(),
        right.kind()
    );
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}

/// The template with its orderings replaced. Line numbers stay as they are.
pub(super) fn rewrite(text: &str) -> String {
    let Ok(tags) = tags(text) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for tag in &tags {
        out.push_str(text.get(done..tag.inner.start).unwrap_or_default());
        expression(text, &tag.words, tag.is_statement, &mut out);
        let last = tag
            .words
            .last()
            .map_or(tag.inner.start, |word| word.start + word.text.len());
        out.push_str(text.get(last..tag.inner.end).unwrap_or_default());
        done = tag.inner.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// What stands between two operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    /// `<` and its like, with the filter for it.
    Order(&'static str),
    /// `==`, `in` and their like.
    Compare,
    /// Anything else that ends an operand: `and`, `,`, `if` …
    Break,
}

/// Splits words into operands and what is between them, and writes them again. Brackets are part of an operand; what
/// is in them is an expression of its own.
fn expression(text: &str, words: &[Word<'_>], is_statement: bool, out: &mut String) {
    let mut operands: Vec<&[Word<'_>]> = Vec::new();
    let mut between: Vec<(Between, &Word<'_>)> = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Kind::Open(distance) = word.kind {
            at += distance + 1;
            continue;
        }
        let previous = at
            .checked_sub(1)
            .and_then(|at| words.get(at))
            .map(|word| word.text);
        let what = if is_statement && at == 0 {
            Some(Between::Break)
        } else {
            separator(word, previous)
        };
        if let Some(what) = what {
            operands.push(words.get(begin..at).unwrap_or_default());
            between.push((what, word));
            begin = at + 1;
        }
        at += 1;
    }
    operands.push(words.get(begin..).unwrap_or_default());

    let is_comparison = |index: Option<usize>| {
        index
            .and_then(|index| between.get(index))
            .is_some_and(|(what, _)| *what != Between::Break)
    };
    let mut skip_operand = false;
    for (index, operand) in operands.iter().enumerate() {
        let right = operands.get(index + 1).copied().unwrap_or_default();
        let replaced = match between.get(index) {
            Some((Between::Order(filter), _))
                if !operand.is_empty()
                    && !right.is_empty()
                    && !is_comparison(index.checked_sub(1))
                    && !is_comparison(Some(index + 1)) =>
            {
                Some(*filter)
            }
            _ => None,
        };
        if let Some(filter) = replaced {
            lead(text, operand, out);
            out.push_str("((");
            words_as_they_are(text, operand, out, true);
            out.push_str(")|");
            out.push_str(filter);
            out.push('(');
            words_as_they_are(text, right, out, false);
            out.push_str("))");
            skip_operand = true;
            continue;
        }
        if !std::mem::take(&mut skip_operand) {
            words_as_they_are(text, operand, out, false);
        }
        if let Some((_, word)) = between.get(index) {
            word_as_it_is(text, word, out);
        }
    }
}

fn separator(word: &Word<'_>, previous: Option<&str>) -> Option<Between> {
    match word.kind {
        Kind::Name if previous == Some(".") || previous == Some("|") => None,
        Kind::Name => match word.text {
            "in" => Some(Between::Compare),
            // `is not` belongs to the test.
            "not" if previous == Some("is") => None,
            "and" | "or" | "not" | "if" | "else" | "recursive" => Some(Between::Break),
            _ => None,
        },
        Kind::Mark => match word.text {
            "==" | "!=" => Some(Between::Compare),
            "," | ":" | "=" => Some(Between::Break),
            mark => OPERATORS
                .iter()
                .find(|operator| operator.mark == mark)
                .map(|operator| Between::Order(operator.filter)),
        },
        _ => None,
    }
}

fn lead(text: &str, words: &[Word<'_>], out: &mut String) {
    if let Some(first) = words.first() {
        out.push_str(text.get(first.lead..first.start).unwrap_or_default());
    }
}

fn word_as_it_is(text: &str, word: &Word<'_>, out: &mut String) {
    out.push_str(text.get(word.lead..word.start).unwrap_or_default());
    out.push_str(word.text);
}

fn words_as_they_are(text: &str, words: &[Word<'_>], out: &mut String, lead_is_written: bool) {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if at == 0 && lead_is_written {
            out.push_str(word.text);
        } else {
            word_as_it_is(text, word, out);
        }
        if let Kind::Open(distance) = word.kind {
            expression(
                text,
                words.get(at + 1..at + distance).unwrap_or_default(),
                false,
                out,
            );
            at += distance;
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orderings_become_filters_and_everything_else_stays() {
        for (text, wanted) in [
            ("{{ a < b }}", "{{ ((a)|__less( b)) }}"),
            (
                "{{ not a.b + 1 >= 2 and c }}",
                "{{ not ((a.b + 1)|__at_least( 2)) and c }}",
            ),
            (
                "{% if x > 3 %}y{% endif %}",
                "{% if ((x)|__greater( 3)) %}y{% endif %}",
            ),
            (
                "{{ f(a<b, k=c>d)[1<2] }}",
                "{{ f(((a)|__less(b)), k=((c)|__greater(d)))[((1)|__less(2))] }}",
            ),
            (
                "{{ 'a<b' if x.in<1 else y }}",
                "{{ 'a<b' if ((x.in)|__less(1)) else y }}",
            ),
            ("{{ a < b < c }}", "{{ a < b < c }}"),
            ("{{ a == b }} < {{ c }}", "{{ a == b }} < {{ c }}"),
            (
                "{{ x is not number and y <= 1 -}}",
                "{{ x is not number and ((y)|__at_most( 1)) -}}",
            ),
            ("{{ {'k': a<b} }}", "{{ {'k': ((a)|__less(b))} }}"),
            ("{{ < }}", "{{ < }}"),
        ] {
            assert_eq!(rewrite(text), wanted);
        }
    }
}
