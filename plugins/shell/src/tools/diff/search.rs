//! The shortest way from one list of lines to another: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations"
//! (1986), in the form that needs room for two rows only. The lists are numbers here, equal where the lines are.
//!
//! Of the ways that are as short it takes the one that `diff` takes: the search from the front has a step before the
//! one from the back, and each looks at its diagonals from the last to the first. After too many steps it goes on from
//! the best place that it came to, so that two large files with nothing in common are not compared for ever.

/// Steps of one search after which the best place will do.
const MOST_STEPS: usize = 4096;

/// What differs: a mark for each line of either side.
pub(super) struct Marks {
    pub(super) old: Vec<bool>,
    pub(super) new: Vec<bool>,
}

/// How far each diagonal was followed.
struct Row {
    ends: Vec<isize>,
    /// The index of diagonal 0.
    zero: isize,
}

/// A part of both sides that is still to be compared.
#[derive(Clone, Copy)]
struct Part {
    old: (isize, isize),
    new: (isize, isize),
    /// Whether the way through it is to be the shortest whatever that takes.
    is_exact: bool,
}

struct Search<'a> {
    old: &'a [u32],
    new: &'a [u32],
    front: Row,
    back: Row,
}

impl Row {
    fn new(old: usize, new: usize) -> Self {
        Self {
            ends: vec![0; old + new + 3],
            zero: new.cast_signed() + 1,
        }
    }

    fn get(&self, diagonal: isize) -> isize {
        let at = usize::try_from(diagonal + self.zero).ok();
        at.and_then(|at| self.ends.get(at)).copied().unwrap_or(0)
    }

    fn set(&mut self, diagonal: isize, end: isize) {
        let at = usize::try_from(diagonal + self.zero).ok();
        if let Some(place) = at.and_then(|at| self.ends.get_mut(at)) {
            *place = end;
        }
    }
}

/// What differs between two lists; the shortest way whatever that takes, where it is to be exact.
pub(super) fn differences(old: &[u32], new: &[u32], is_exact: bool) -> Marks {
    let mut marks = Marks {
        old: vec![false; old.len()],
        new: vec![false; new.len()],
    };
    let mut search = Search {
        old,
        new,
        front: Row::new(old.len(), new.len()),
        back: Row::new(old.len(), new.len()),
    };
    let mut parts = vec![Part {
        old: (0, old.len().cast_signed()),
        new: (0, new.len().cast_signed()),
        is_exact,
    }];
    while let Some(mut part) = parts.pop() {
        search.trim(&mut part);
        if part.old.0 == part.old.1 {
            mark(&mut marks.new, part.new);
        } else if part.new.0 == part.new.1 {
            mark(&mut marks.old, part.old);
        } else {
            parts.extend(search.split(part));
        }
    }
    marks
}

fn mark(marks: &mut [bool], (from, to): (isize, isize)) {
    let range = from.cast_unsigned()..to.cast_unsigned();
    if let Some(marks) = marks.get_mut(range) {
        marks.fill(true);
    }
}

impl Search<'_> {
    fn is_same(&self, old: isize, new: isize) -> bool {
        let old = self.old.get(old.cast_unsigned());
        old.is_some() && old == self.new.get(new.cast_unsigned())
    }

    /// Leaves out what is the same at both ends.
    fn trim(&self, part: &mut Part) {
        let (old, new) = (&mut part.old, &mut part.new);
        while old.0 < old.1 && new.0 < new.1 && self.is_same(old.0, new.0) {
            old.0 += 1;
            new.0 += 1;
        }
        while old.0 < old.1 && new.0 < new.1 && self.is_same(old.1 - 1, new.1 - 1) {
            old.1 -= 1;
            new.1 -= 1;
        }
    }

    /// Cuts a part in two where the searches from its ends meet.
    fn split(&mut self, part: Part) -> [Part; 2] {
        let (old, new) = (part.old, part.new);
        let (least, most) = (old.0 - new.1, old.1 - new.0);
        let (first, last) = (old.0 - new.0, old.1 - new.1);
        let is_odd = (first - last) % 2 != 0;
        let (mut front, mut back) = ((first, first), (last, last));
        self.front.set(first, old.0);
        self.back.set(last, old.1);
        let cut = |x: isize, y: isize, is_exact: (bool, bool)| {
            let before = Part {
                old: (old.0, x),
                new: (new.0, y),
                is_exact: is_exact.0,
            };
            let behind = Part {
                old: (x, old.1),
                new: (y, new.1),
                is_exact: is_exact.1,
            };
            [before, behind]
        };
        let mut steps = 0;
        loop {
            steps += 1;
            widen(&mut self.front, &mut front, (least, most), -1);
            for diagonal in downwards(front) {
                let (below, above) = (self.front.get(diagonal - 1), self.front.get(diagonal + 1));
                let mut x = if below < above { above } else { below + 1 };
                while x < old.1 && x - diagonal < new.1 && self.is_same(x, x - diagonal) {
                    x += 1;
                }
                self.front.set(diagonal, x);
                let is_met = is_odd && back.0 <= diagonal && diagonal <= back.1;
                if is_met && self.back.get(diagonal) <= x {
                    return cut(x, x - diagonal, (true, true));
                }
            }
            widen(&mut self.back, &mut back, (least, most), isize::MAX);
            for diagonal in downwards(back) {
                let (below, above) = (self.back.get(diagonal - 1), self.back.get(diagonal + 1));
                let mut x = if below < above { below } else { above - 1 };
                while x > old.0 && x - diagonal > new.0 && self.is_same(x - 1, x - diagonal - 1) {
                    x -= 1;
                }
                self.back.set(diagonal, x);
                let is_met = !is_odd && front.0 <= diagonal && diagonal <= front.1;
                if is_met && x <= self.front.get(diagonal) {
                    return cut(x, x - diagonal, (true, true));
                }
            }
            if !part.is_exact && steps >= MOST_STEPS {
                return self.best(part, front, back, cut);
            }
        }
    }

    /// Cuts a part at the best place of either search: the one that has more behind it.
    fn best(
        &self,
        Part { old, new, .. }: Part,
        front: (isize, isize),
        back: (isize, isize),
        cut: impl Fn(isize, isize, (bool, bool)) -> [Part; 2],
    ) -> [Part; 2] {
        let place = |x: isize, diagonal: isize| (x + x - diagonal, x);
        let furthest = downwards(front)
            .map(|diagonal| {
                let x = self.front.get(diagonal).min(old.1);
                place(x.min(new.1 + diagonal), diagonal)
            })
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let nearest = downwards(back)
            .map(|diagonal| {
                let x = self.back.get(diagonal).max(old.0);
                place(x.max(new.0 + diagonal), diagonal)
            })
            .reduce(|best, next| if next.0 < best.0 { next } else { best });
        let (ahead, x) = furthest.unwrap_or((old.0 + new.0, old.0));
        let (behind, last) = nearest.unwrap_or((old.1 + new.1, old.1));
        if old.1 + new.1 - behind < ahead - (old.0 + new.0) {
            cut(x, ahead - x, (true, false))
        } else {
            cut(last, behind - last, (false, true))
        }
    }
}

/// One diagonal more on each side, or one less where there is no more.
fn widen(row: &mut Row, range: &mut (isize, isize), (least, most): (isize, isize), unseen: isize) {
    if range.0 > least {
        range.0 -= 1;
        row.set(range.0 - 1, unseen);
    } else {
        range.0 += 1;
    }
    if range.1 < most {
        range.1 += 1;
        row.set(range.1 + 1, unseen);
    } else {
        range.1 -= 1;
    }
}

/// Every second diagonal, from the last.
fn downwards((least, most): (isize, isize)) -> impl Iterator<Item = isize> {
    (0..)
        .map(move |step| most - 2 * step)
        .take_while(move |diagonal| *diagonal >= least)
}
