//! Cuts secrets out of a text that arrives in pieces.
//!
//! A secret may be split over two pieces, so the end of what came stays back for as long as it could be the beginning
//! of a secret in any of its forms, and no longer: a reader is kept waiting for a few characters and only where it
//! matters.

use super::Scrubber;

/// A text that arrives in pieces; made by [`Scrubber::stream`].
#[derive(Debug)]
pub struct ScrubStream<'s> {
    scrubber: &'s Scrubber,
    held: String,
}

impl<'s> ScrubStream<'s> {
    pub(super) fn new(scrubber: &'s Scrubber) -> Self {
        Self {
            scrubber,
            held: String::new(),
        }
    }

    /// Takes the next piece; returns what may be shown now, without secrets.
    pub fn push(&mut self, piece: &str) -> String {
        if self.scrubber.is_empty() {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        let rest = self.held.split_off(self.cut());
        let ready = std::mem::replace(&mut self.held, rest);
        self.scrubber.text(&ready).into_owned()
    }

    /// Ends the text; returns what was held back, without secrets.
    pub fn end(self) -> String {
        self.scrubber.text(&self.held).into_owned()
    }

    /// Where the text may be cut: before everything that could become a secret, and not within one that is complete.
    fn cut(&self) -> usize {
        let forms = || self.scrubber.forms.iter().map(|(form, _)| form.as_str());
        let longest_beginning = |form: &str| {
            (1..form.len())
                .rev()
                .filter(|length| form.is_char_boundary(*length))
                .find(|length| {
                    form.get(..*length)
                        .is_some_and(|start| self.held.ends_with(start))
                })
                .unwrap_or(0)
        };
        let kept = forms().map(longest_beginning).max().unwrap_or(0);
        let mut cut = self.held.len().saturating_sub(kept);
        // A complete secret that reaches over the cut goes back as a whole; that may uncover another one.
        while let Some(start) = forms()
            .flat_map(|form| self.held.match_indices(form))
            .find(|(start, form)| *start < cut && start + form.len() > cut)
            .map(|(start, _)| start)
        {
            cut = start;
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a text that arrives in pieces of so many characters.
    fn shown(scrubber: &Scrubber, text: &str, size: usize) -> String {
        let mut stream = scrubber.stream();
        let letters: Vec<char> = text.chars().collect();
        let mut shown: String = letters
            .chunks(size)
            .map(|piece| stream.push(&piece.iter().collect::<String>()))
            .collect();
        shown.push_str(&stream.end());
        shown
    }

    #[test]
    fn a_secret_is_cut_out_however_the_text_is_split() {
        let scrubber = Scrubber::new([("KEY", "sk-tösecret-123"), ("OTHER", "123456789")]);
        let text =
            "a sk-tösecret-123456789 b sk-tösecr sk-tösecret-123 736b2d74c3b67365637265742d313233";
        let whole = scrubber.text(text).into_owned();
        assert!(!whole.contains("tösecret-123"), "{whole}");
        for size in 1..20 {
            let shown = shown(&scrubber, text, size);
            assert!(
                !shown.contains("tösecret-123") && !shown.contains("2d313233"),
                "{size}: {shown}"
            );
        }
        assert_eq!(
            shown(&scrubber, "plain words and sk- alone", 3),
            "plain words and sk- alone"
        );
    }

    #[test]
    fn only_what_could_become_a_secret_waits() {
        let scrubber = Scrubber::new([("KEY", "secret-value")]);
        let mut stream = scrubber.stream();
        assert_eq!(stream.push("say "), "say ");
        assert_eq!(stream.push("secr"), "");
        assert_eq!(stream.push("etary"), "secretary");
        assert_eq!(stream.push(" secret-value"), " [secret KEY]");
        assert_eq!(stream.end(), "");
    }
}
