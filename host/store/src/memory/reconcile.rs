//! What becomes of a fact in the light of what is known. Pure.
//!
//! Compared are facts of one type about one entity. Two that say the same are one, and the surer word counts. Of two
//! that are alike, one may say more than the other (then the longer stays), or something else (another number, a
//! negation, another word): then the newer replaces the older, unless it is much less sure; then both stay, each with
//! how sure it is. What happened is never replaced by what happened later.

use super::record::{NewRecord, Record, RecordKind};

/// From here on two texts say the same, if their numbers and negations are the same.
const SAME: f64 = 0.92;

/// From here on two texts are about the same.
const ALIKE: f64 = 0.65;

/// So much surer is surer.
const SURER: f64 = 0.05;

/// So much less sure does not replace.
const DOUBTFUL: f64 = 0.2;

/// Words that turn a sentence round.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "neither", "nor", "cannot", "without", "don't", "doesn't",
    "isn't", "aren't", "can't", "won't", "wasn't", "weren't",
];

/// What to do with a new fact. The number is that of the known one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is new.
    Store,
    /// It is known: only that it was said again is noted.
    Skip(i64),
    /// It is known, and surer now.
    Update(i64),
    /// It replaces the known one, which stays behind it.
    Supersede(i64),
    /// It says all that the known one says, and more: the two become one.
    Merge(i64),
}

/// Decides about a new fact.
pub fn decide(new: &NewRecord, known: &[Record]) -> Decision {
    let text = normal(&new.fact);
    let about_the_same = known.iter().filter(|record| {
        record.kind == new.kind
            && record.superseded_by.is_none()
            && normal(&record.entity) == normal(&new.entity)
    });
    let nearest = about_the_same
        .map(|record| (strsim::sorensen_dice(&text, &normal(&record.fact)), record))
        // Of equals the one that was there first.
        .min_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
    let Some((likeness, record)) = nearest.filter(|(likeness, _)| *likeness >= ALIKE) else {
        return Decision::Store;
    };
    let other = normal(&record.fact);
    let (words, known_words) = (words(&text), words(&other));
    let turns = |words: &[&str]| {
        let mut found: Vec<String> = words
            .iter()
            .filter(|word| NEGATIONS.contains(*word))
            .map(|word| (*word).to_owned())
            .collect();
        found.sort_unstable();
        found
    };
    let same_turn = turns(&words) == turns(&known_words);
    if likeness >= SAME && same_turn && numbers(&words) == numbers(&known_words) {
        return if new.confidence > record.confidence + SURER {
            Decision::Update(record.id)
        } else {
            Decision::Skip(record.id)
        };
    }
    let holds = |all: &[&str], some: &[&str]| some.iter().all(|word| all.contains(word));
    if same_turn && holds(&known_words, &words) {
        return Decision::Skip(record.id);
    }
    if same_turn && holds(&words, &known_words) {
        return Decision::Merge(record.id);
    }
    if new.kind == RecordKind::Event || new.confidence + DOUBTFUL < record.confidence {
        return Decision::Store;
    }
    Decision::Supersede(record.id)
}

/// Lower case, one space between words, no full stop at the end.
fn normal(text: &str) -> String {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', '!']).to_owned()
}

fn words(text: &str) -> Vec<&str> {
    let is_edge = |c: char| !c.is_alphanumeric();
    text.split(' ')
        .map(|word| word.trim_matches(is_edge))
        .filter(|word| !word.is_empty())
        .collect()
}

fn numbers<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<&str> = words
        .iter()
        .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
        .copied()
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: i64, kind: RecordKind, fact: &str, confidence: f64) -> Record {
        Record {
            id,
            kind,
            entity: "Tea".into(),
            fact: fact.into(),
            confidence,
            ..Record::default()
        }
    }

    fn new(kind: RecordKind, fact: &str, confidence: f64) -> NewRecord {
        NewRecord {
            kind,
            entity: " tea ".into(),
            fact: fact.into(),
            confidence,
            sources: Vec::new(),
        }
    }

    fn about(known: &str, fact: &str, confidence: f64) -> Decision {
        let known = [record(7, RecordKind::Fact, known, 0.8)];
        decide(&new(RecordKind::Fact, fact, confidence), &known)
    }

    #[test]
    fn what_is_known_is_not_stored_again() {
        let known = "Green tea holds caffeine.";
        assert_eq!(
            about(known, "green tea  holds caffeine", 0.8),
            Decision::Skip(7)
        );
        assert_eq!(
            about(known, "Green tea holds caffeine", 0.9),
            Decision::Update(7)
        );
        assert_eq!(
            about(known, "Green tea holds", 0.9),
            Decision::Skip(7),
            "it says less"
        );
    }

    #[test]
    fn what_says_more_takes_the_other_in() {
        assert_eq!(
            about(
                "Green tea holds caffeine",
                "Green tea holds caffeine, 30 mg a cup",
                0.8
            ),
            Decision::Merge(7)
        );
    }

    #[test]
    fn what_says_something_else_replaces_unless_it_is_doubtful() {
        let known = "A cup of green tea holds 30 mg of caffeine";
        let other = "A cup of green tea holds 35 mg of caffeine";
        assert_eq!(about(known, other, 0.8), Decision::Supersede(7));
        assert_eq!(about(known, other, 0.5), Decision::Store);
        assert_eq!(
            about(
                "Tea is good for sleep at night",
                "Tea is not good for sleep at night",
                0.8
            ),
            Decision::Supersede(7)
        );
    }

    #[test]
    fn what_is_about_something_else_is_stored() {
        assert_eq!(
            about("Green tea holds caffeine", "It grows in hills", 0.9),
            Decision::Store
        );
        let known = [record(7, RecordKind::Preference, "Prefers tea", 0.8)];
        assert_eq!(
            decide(&new(RecordKind::Fact, "Prefers tea", 0.8), &known),
            Decision::Store,
            "another type"
        );
        let mut gone = record(7, RecordKind::Fact, "Prefers tea", 0.8);
        gone.superseded_by = Some(8);
        assert_eq!(
            decide(&new(RecordKind::Fact, "Prefers tea", 0.8), &[gone]),
            Decision::Store
        );
    }

    #[test]
    fn what_happened_is_not_replaced_by_what_happened_later() {
        let known = [record(
            7,
            RecordKind::Event,
            "The harvest of 2024 failed",
            0.8,
        )];
        let later = new(RecordKind::Event, "The harvest of 2025 failed", 0.9);
        assert_eq!(decide(&later, &known), Decision::Store);
    }
}
