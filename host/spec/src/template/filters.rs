//! Filters of Jinja that minijinja leaves to its users, as people's templates call them: by place or by name.
//!
//! What they make is bounded like everything a template makes. `random` is not among them: the same spec and inputs
//! make the same prompts. Nor are those that make HTML.

use minijinja::{
    Environment, Error, ErrorKind, Value,
    value::{Kwargs, Rest, ValueOrKwargs},
};
use minijinja_contrib::{
    filters::{filesizeformat, striptags},
    globals::{cycler, joiner},
};

/// Longest text that one of these filters makes, in bytes.
const LONGEST: usize = 10_000_000;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", wordcount);
    environment.add_filter("wordwrap", wordwrap);
    environment.add_filter("center", center);
    environment.add_filter("striptags", without_tags);
    environment.add_filter("filesizeformat", filesizeformat);
    environment.add_filter("forceescape", minijinja::filters::escape);
    environment.add_function("cycler", cycler);
    environment.add_function("joiner", joiner);
}

/// A value as it prints.
fn text(value: &Value) -> String {
    super::engine::shown(value).into_owned()
}

/// The arguments of a filter, each by its place or by its name.
struct Arguments {
    by_place: Vec<Value>,
    by_name: Kwargs,
}

impl Arguments {
    fn of(given: Rest<ValueOrKwargs>) -> Self {
        let mut given = given.into_values();
        let named = given
            .last()
            .and_then(|last| Kwargs::try_from(last.clone()).ok());
        if named.is_some() {
            given.pop();
        }
        Self {
            by_place: given,
            by_name: named
                .unwrap_or_else(|| Kwargs::from_iter(std::iter::empty::<(&str, Value)>())),
        }
    }

    fn given(&self, place: usize, name: &str) -> Result<Option<Value>, Error> {
        let by_name = self.by_name.get::<Option<Value>>(name)?;
        let value = self.by_place.get(place).cloned().or(by_name);
        Ok(value.filter(|value| !value.is_none() && !value.is_undefined()))
    }

    /// One of them, or what counts without it.
    fn get<T>(&self, place: usize, name: &str, usual: T) -> Result<T, Error>
    where
        T: TryFrom<Value, Error = Error>,
    {
        self.given(place, name)?.map_or(Ok(usual), T::try_from)
    }

    /// One that is text.
    fn text(&self, place: usize, name: &str, usual: &str) -> Result<String, Error> {
        let value = self.given(place, name)?;
        Ok(value.map_or_else(|| usual.to_owned(), |value| text(&value)))
    }

    /// Nothing else was given.
    fn end(&self) -> Result<(), Error> {
        self.by_name.assert_all_used()
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn bounded(text: String) -> Result<String, Error> {
    if text.len() > LONGEST {
        return Err(wrong(format!("the text is longer than {LONGEST} bytes")));
    }
    Ok(text)
}

/// The beginning of a text, to the end of a word unless words may be cut. A text that is longer by `leeway` stays whole.
fn truncate(value: &Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let given = Arguments::of(given);
    let length = given.get(0, "length", 255_usize)?;
    let killwords = given.get(1, "killwords", false)?;
    let end = given.text(2, "end", "...")?;
    let leeway = given.get(3, "leeway", 5_usize)?;
    given.end()?;
    let whole = text(value);
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(wrong(format!(
            "truncate to {length} leaves no room for `{end}`"
        )));
    };
    if whole.chars().count() <= length.saturating_add(leeway) {
        return Ok(whole);
    }
    let cut: String = whole.chars().take(kept).collect();
    let kept = match cut.rsplit_once(' ') {
        Some((words, _)) if !killwords => words,
        _ => cut.as_str(),
    };
    bounded(format!("{kept}{end}"))
}

/// A text without the tags of HTML.
fn without_tags(value: &Value) -> String {
    striptags(text(value))
}

/// How many words a text has.
fn wordcount(value: &Value) -> usize {
    let whole = text(value);
    let words = whole.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).count()
}

/// A text in lines of `width` characters at most.
fn wordwrap(value: &Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let given = Arguments::of(given);
    let width = given.get(0, "width", 79_usize)?.max(1);
    let breaks = given.get(1, "break_long_words", true)?;
    let between = given.text(2, "wrapstring", "\n")?;
    // Hyphens are no place to break at here, whatever is said.
    given.get(3, "break_on_hyphens", true)?;
    given.end()?;
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text(value).lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let mut rest: Vec<char> = word.chars().collect();
            let used = line.chars().count();
            if used > 0 && used + 1 + rest.len() <= width {
                line.push(' ');
            } else if used > 0 {
                lines.push(std::mem::take(&mut line));
            }
            while breaks && rest.len() > width {
                let tail = rest.split_off(width);
                lines.push(rest.into_iter().collect());
                rest = tail;
            }
            line.extend(rest);
        }
        lines.push(line);
    }
    let length =
        lines.iter().map(String::len).sum::<usize>() + between.len().saturating_mul(lines.len());
    if length > LONGEST {
        return Err(wrong(format!("the text is longer than {LONGEST} bytes")));
    }
    Ok(lines.join(&between))
}

/// A text in the middle of `width` characters.
fn center(value: &Value, given: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let given = Arguments::of(given);
    let width = given.get(0, "width", 80_usize)?;
    given.end()?;
    if width > LONGEST {
        return Err(wrong(format!("the text is longer than {LONGEST} bytes")));
    }
    let whole = text(value);
    Ok(format!("{whole:^width$}"))
}
