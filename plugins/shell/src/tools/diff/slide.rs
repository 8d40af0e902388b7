//! Where a run of changed lines stands, when it could as well stand a few lines before or behind: as far down as it
//! goes, beside a run of the other side where there is one, and as one run where two can meet.

/// A run of changed lines, which may be empty: there is one before every line that is the same, and one at the end.
#[derive(Clone, Copy)]
struct Run {
    begin: usize,
    end: usize,
}

impl Run {
    /// The first of a side.
    fn first(marks: &[bool]) -> Self {
        Self { begin: 0, end: 0 }.down(marks)
    }

    fn is_empty(self) -> bool {
        self.begin == self.end
    }

    /// The same run with the changed lines behind it.
    fn down(mut self, marks: &[bool]) -> Self {
        while marks.get(self.end) == Some(&true) {
            self.end += 1;
        }
        self
    }

    /// The same run with the changed lines before it.
    fn up(mut self, marks: &[bool]) -> Self {
        while self.begin > 0 && marks.get(self.begin - 1) == Some(&true) {
            self.begin -= 1;
        }
        self
    }

    fn next(self, marks: &[bool]) -> Option<Self> {
        let begin = self.end + 1;
        (begin <= marks.len()).then(|| Self { begin, end: begin }.down(marks))
    }

    fn previous(self, marks: &[bool]) -> Option<Self> {
        let end = self.begin.checked_sub(1)?;
        Some(Self { begin: end, end }.up(marks))
    }
}

/// One side, while its runs are moved.
struct Side<'a> {
    lines: &'a [u32],
    marks: &'a mut Vec<bool>,
}

impl Side<'_> {
    fn set(&mut self, at: usize, is_changed: bool) {
        if let Some(mark) = self.marks.get_mut(at) {
            *mark = is_changed;
        }
    }

    /// Moves a run a line up, where the line before it is the same as its last.
    fn raise(&mut self, run: Run) -> Option<Run> {
        let before = run.begin.checked_sub(1)?;
        if self.lines.get(before) != self.lines.get(run.end - 1) {
            return None;
        }
        self.set(before, true);
        self.set(run.end - 1, false);
        let run = Run {
            begin: before,
            end: run.end - 1,
        };
        Some(run.up(self.marks))
    }

    /// Moves a run a line down, where the line behind it is the same as its first.
    fn lower(&mut self, run: Run) -> Option<Run> {
        let behind = self.lines.get(run.end)?;
        if self.lines.get(run.begin) != Some(behind) {
            return None;
        }
        self.set(run.begin, false);
        self.set(run.end, true);
        let run = Run {
            begin: run.begin + 1,
            end: run.end + 1,
        };
        Some(run.down(self.marks))
    }
}

/// Moves the changed runs of one side to their places; `others` are the marks of the other side.
pub(super) fn slide(lines: &[u32], marks: &mut Vec<bool>, others: &[bool]) {
    let mut side = Side { lines, marks };
    let mut run = Run::first(side.marks);
    let mut other = Run::first(others);
    loop {
        if !run.is_empty() {
            (run, other) = settle(&mut side, others, run, other);
        }
        let both = run.next(side.marks).zip(other.next(others));
        let Some(next) = both else {
            return;
        };
        (run, other) = next;
    }
}

/// Moves one run, and with it the run of the other side that is beside it.
fn settle(side: &mut Side<'_>, others: &[bool], mut run: Run, mut other: Run) -> (Run, Run) {
    loop {
        let length = run.end - run.begin;
        while let Some(raised) = side.raise(run) {
            run = raised;
            other = other.previous(others).unwrap_or(other);
        }
        let mut has_beside = !other.is_empty();
        while let Some(lowered) = side.lower(run) {
            run = lowered;
            other = other.next(others).unwrap_or(other);
            has_beside |= !other.is_empty();
        }
        if run.end - run.begin != length {
            // It met another.
            continue;
        }
        while has_beside && other.is_empty() {
            let Some(raised) = side.raise(run) else { break };
            run = raised;
            other = other.previous(others).unwrap_or(other);
        }
        return (run, other);
    }
}
