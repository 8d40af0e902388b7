//! Did you mean …?

/// How alike two words must be, from 0 to 1.
const ALIKE: f64 = 0.6;

/// The candidate that the writer probably meant, as a hint.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let best = candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(&lower, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("did you mean `{}`?", best.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let keys = ["depends_on", "description", "role"];
        assert_eq!(
            did_you_mean("dependson", keys).as_deref(),
            Some("did you mean `depends_on`?")
        );
        assert_eq!(
            did_you_mean("Depends_On", keys).as_deref(),
            Some("did you mean `depends_on`?")
        );
        assert_eq!(did_you_mean("zzz", keys), None);
        assert_eq!(did_you_mean("volumes", ["roles"]), None);
        assert_eq!(
            did_you_mean("feul", ["fuel"]).as_deref(),
            Some("did you mean `fuel`?")
        );
    }
}
