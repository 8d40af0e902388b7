//! Splits a shell script into commands of words, and says where it lost its way.
//!
//! Quotes, here-documents, `$(…)` and backticks are followed; what they hold is collected, not run. Nothing is expanded:
//! a word is what is written.

/// Splits a script into commands of words, and collects what is run within them.
pub(super) struct Reader<'s> {
    chars: std::iter::Peekable<std::str::Chars<'s>>,
    pub(super) commands: Vec<Vec<String>>,
    /// Texts of `$(…)` and of backticks.
    pub(super) inner: Vec<String>,
    words: Vec<String>,
    word: Option<String>,
    /// Ends of here-documents that begin on the next line, and whether what is in them is run.
    documents: Vec<(String, bool)>,
    /// Where the way was lost, if it was: what is run after that is not known.
    pub(super) lost: Option<&'static str>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(script: &'s str) -> Self {
        Self {
            chars: script.chars().peekable(),
            commands: Vec::new(),
            inner: Vec::new(),
            words: Vec::new(),
            word: None,
            documents: Vec::new(),
            lost: None,
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_with(String::new).push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }

    pub(super) fn read(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c) => self.push(c),
                },
                '\'' => self.single(),
                '"' => self.double(),
                '`' => self.backticks(),
                '$' if self.chars.peek() == Some(&'(') => self.substitution(),
                // `$'…'` and `$"…"` are quotes.
                '$' if matches!(self.chars.peek(), Some('\'' | '"')) => {}
                '(' if self.chars.peek() == Some(&'(') => self.arithmetic(),
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '<' if self.chars.peek() == Some(&'<') => self.document(),
                '<' | '>' if self.chars.peek() == Some(&'(') => self.substitution(),
                '\n' => {
                    self.end_command();
                    self.skip_documents();
                }
                ';' | '&' | '|' | '(' | ')' => self.end_command(),
                c if c.is_whitespace() => self.end_word(),
                c => self.push(c),
            }
        }
        self.end_command();
    }

    fn single(&mut self) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.chars.next_if(|c| *c != '\'') {
            self.push(c);
        }
        self.chars.next();
    }

    fn double(&mut self) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return,
                '\\' => {
                    let c = self.chars.next();
                    c.into_iter().for_each(|c| self.push(c));
                }
                '`' => self.backticks(),
                '$' if self.chars.peek() == Some(&'(') => self.substitution(),
                c => self.push(c),
            }
        }
    }

    fn backticks(&mut self) {
        self.word.get_or_insert_with(String::new);
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != '`') {
            text.push(c);
        }
        self.chars.next();
        self.inner.push(text);
    }

    /// `((…))`: nothing in it is a command but what is in `$(…)`, and `<<` is no here-document.
    fn arithmetic(&mut self) {
        self.end_word();
        self.chars.next();
        let has_steps = self.words.last().is_some_and(|word| word == "for");
        let mut open = 2_usize;
        while let Some(c) = self.chars.next() {
            match c {
                '$' if self.chars.peek() == Some(&'(') => self.substitution(),
                '`' => self.backticks(),
                '(' => open += 1,
                ')' => open -= 1,
                // Two groups, one in the other, look the same; a command in them does not look like a calculation.
                ';' if has_steps => {}
                ';' | '\n' | '\'' | '"' => self.lost = Some("`((` that is no calculation"),
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
        self.word = None;
        self.end_command();
    }

    /// `$(…)` to the bracket that closes it; quotes within may hold brackets too.
    fn substitution(&mut self) {
        self.word.get_or_insert_with(String::new);
        self.chars.next();
        let (mut text, mut open, mut quote) = (String::new(), 1_usize, None);
        while let Some(c) = self.chars.next() {
            match (quote, c) {
                (None | Some('"'), '\\') => {
                    text.push(c);
                    text.extend(self.chars.next());
                    continue;
                }
                (None, '(') => open += 1,
                (None, ')') => open -= 1,
                (None, '\'' | '"') => quote = Some(c),
                (Some(end), c) if c == end => quote = None,
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(c);
        }
        // The `)` of a pattern looks like the one that ends the whole.
        if text.split_whitespace().any(|word| word == "case") {
            self.lost = Some("`case` within `$(…)`");
        }
        self.inner.push(text);
    }

    /// `<<END`, `<<-'END'`, and `<<<word`, which is none.
    fn document(&mut self) {
        self.chars.next();
        self.end_word();
        if self.chars.next_if_eq(&'<').is_some() {
            self.words.push("<<<".to_owned());
            return;
        }
        self.chars.next_if_eq(&'-');
        while self.chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let (mut end, mut runs) = (String::new(), true);
        while let Some(c) = self
            .chars
            .next_if(|c| !c.is_whitespace() && !";&|()".contains(*c))
        {
            if matches!(c, '\'' | '"' | '\\') {
                runs = false;
            } else {
                end.push(c);
            }
        }
        self.documents.push((end, runs));
    }

    fn skip_documents(&mut self) {
        for (end, runs) in std::mem::take(&mut self.documents) {
            let mut body = String::new();
            loop {
                let mut line = String::new();
                while let Some(c) = self.chars.next_if(|c| *c != '\n') {
                    line.push(c);
                }
                let is_last = self.chars.next().is_none();
                if line.trim_start_matches('\t') == end {
                    break;
                }
                if is_last {
                    if !(body.is_empty() && line.is_empty()) {
                        self.lost = Some("a here-document without its end");
                    }
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            if runs {
                // Only what is between `$(` and `)` or between backticks is run.
                let mut reader = Reader::new(&body);
                reader.double_without_end();
                self.inner.extend(reader.inner);
                self.lost = self.lost.or(reader.lost);
            }
        }
    }

    fn double_without_end(&mut self) {
        while self.chars.peek().is_some() {
            self.double();
        }
    }
}
