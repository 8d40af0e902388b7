//! An adapter that counts what is in a text.
//!
//! ```yaml
//! adapters:
//!   measure:
//!     type: plugin
//!     plugin: text-stats
//!     args: { text: "{{ draft }}", top: 5 }     # or: { from: draft }
//! ```
//!
//! A word is letters and digits with apostrophes or hyphens inside; a sentence ends with `.`, `!`, `?` or `…` before
//! white space or the end. Good enough to see that a draft is too long, and the same on every machine.

use std::collections::HashMap;

use armature_plugin::prelude::*;

/// Words a minute of a quiet reader.
const WORDS_PER_MINUTE: f64 = 238.0;

/// What the workflow's author wrote under `args`.
#[data]
#[serde(deny_unknown_fields)]
struct Config {
    /// The text itself.
    text: Option<String>,
    /// The input or stage whose result is the text. Whatever is no text is counted as JSON.
    from: Option<String>,
    /// How many of the most frequent words to return.
    #[serde(default = "ten")]
    top: usize,
}

fn ten() -> usize {
    10
}

/// What is in the text.
#[data]
#[derive(PartialEq)]
struct Stats {
    words: usize,
    lines: usize,
    sentences: usize,
    characters: usize,
    reading_minutes: f64,
    top_words: Vec<WordCount>,
}

#[data]
#[derive(PartialEq)]
struct WordCount {
    word: String,
    count: usize,
}

fn text_stats(config: Config, context: Map<String, Value>) -> Result<Stats, AdapterError> {
    let text = match (config.text, config.from) {
        (Some(text), None) => text,
        (None, Some(key)) => match context.get(&key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => {
                return Err(AdapterError::Invalid(format!(
                    "args: `from` names `{key}`, which is not there"
                )));
            }
        },
        _ => {
            return Err(AdapterError::Invalid(
                "args: give either `text` or `from`".into(),
            ));
        }
    };
    Ok(count(&text, config.top))
}

fn count(text: &str, top: usize) -> Stats {
    let words: Vec<String> = words(text).map(str::to_lowercase).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in &words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    // By count, then by alphabet: the map's own order is nobody's business.
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    Stats {
        words: words.len(),
        lines: text.lines().count(),
        sentences: sentences(text),
        characters: text.chars().count(),
        reading_minutes: (words.len() as f64 / WORDS_PER_MINUTE * 10.0).round() / 10.0,
        top_words: counts
            .into_iter()
            .take(top)
            .map(|(word, count)| WordCount {
                word: word.to_owned(),
                count,
            })
            .collect(),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-');
    text.split(move |c| !is_inside(c))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

fn sentences(text: &str) -> usize {
    let mut sentences = 0;
    let (mut is_open, mut has_ended) = (false, false);
    for c in text.chars() {
        match c {
            '.' | '!' | '?' | '…' => has_ended = is_open,
            c if c.is_whitespace() && has_ended => {
                sentences += 1;
                (is_open, has_ended) = (false, false);
            }
            c if c.is_alphanumeric() => (is_open, has_ended) = (true, false),
            _ => {}
        }
    }
    sentences + usize::from(is_open)
}

export_adapter!(text_stats);

#[cfg(test)]
mod tests {
    use super::*;
    use armature_plugin::serde_json::from_value;

    const TEXT: &str = "Tea is good. \"Is tea good?\" Don't ask: 3.5 cups\nof well-made tea…";

    #[test]
    fn words_lines_and_sentences_are_counted_as_a_reader_would() {
        let stats = count(TEXT, 2);
        assert_eq!((stats.words, stats.lines, stats.sentences), (14, 2, 3));
        let word = |word: &str, count| WordCount {
            word: word.into(),
            count,
        };
        assert_eq!(stats.top_words, [word("tea", 3), word("good", 2)]);
        assert_eq!(
            count("", 5),
            Stats {
                reading_minutes: 0.0,
                top_words: vec![],
                ..count("", 0)
            }
        );
        assert_eq!(count(&"word ".repeat(357), 0).reading_minutes, 1.5);
    }

    #[test]
    fn the_text_is_given_or_named() {
        let run =
            |config, context| text_stats(from_value(config).unwrap(), from_value(context).unwrap());
        assert_eq!(run(json!({"text": "a b"}), json!({})).unwrap().words, 2);
        assert_eq!(
            run(json!({"from": "draft"}), json!({"draft": "a b c"}))
                .unwrap()
                .words,
            3
        );
        assert!(matches!(
            run(json!({"from": "draft"}), json!({})),
            Err(AdapterError::Invalid(_))
        ));
        assert!(matches!(
            run(json!({}), json!({})),
            Err(AdapterError::Invalid(_))
        ));
    }
}
