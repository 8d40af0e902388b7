//! A row of the table, and how a median is taken.

use std::time::{Duration, Instant};

/// How often each thing is done.
pub(crate) struct Rounds {
    pub(crate) quick: bool,
}

impl Rounds {
    /// This often, or a tenth of it.
    pub(crate) fn of(&self, usual: usize) -> usize {
        if self.quick {
            (usual / 10).max(3)
        } else {
            usual
        }
    }
}

/// What was measured.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) figure: String,
    pub(crate) target: &'static str,
    /// How many times what bare wasmtime takes for the same.
    pub(crate) ratio: Option<f64>,
    /// `None` where nothing was measured.
    pub(crate) met: Option<bool>,
}

impl Row {
    /// A row for a time, with the time of bare wasmtime beside it.
    pub(crate) fn time(
        what: &'static str,
        took: Duration,
        target: &'static str,
        most: Duration,
        bare: Option<Duration>,
    ) -> Self {
        Self {
            what,
            figure: show(took),
            target,
            ratio: bare.map(|bare| took.as_secs_f64() / bare.as_secs_f64().max(1e-9)),
            met: Some(took <= most),
        }
    }
}

/// A row that has no figure, and why.
pub(crate) fn not_measured(what: &'static str, target: &'static str, why: &str) -> Row {
    Row {
        what,
        figure: format!("not measured: {why}"),
        target,
        ratio: None,
        met: None,
    }
}

/// A time as people read it.
pub(crate) fn show(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 {
        format!("{micros:.1} µs")
    } else {
        format!("{:.2} ms", micros / 1e3)
    }
}

/// The middle of some times.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The median of doing something so often, after a tenth as much to warm up.
pub(crate) fn p50(rounds: usize, mut act: impl FnMut()) -> Duration {
    for _ in 0..rounds / 10 {
        act();
    }
    let time = |_| {
        let started = Instant::now();
        act();
        started.elapsed()
    };
    median((0..rounds).map(time).collect())
}

/// The table.
pub(crate) fn print(rows: &[Row]) {
    let cells: Vec<[String; 5]> = std::iter::once(
        ["what", "figure p50", "target", "× bare wasmtime", "met?"].map(str::to_owned),
    )
    .chain(rows.iter().map(|row| {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "–",
        };
        [
            row.what.to_owned(),
            row.figure.clone(),
            row.target.to_owned(),
            row.ratio
                .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.1}")),
            met.to_owned(),
        ]
    }))
    .collect();
    let width = |at: usize| {
        cells
            .iter()
            .map(|row| row.get(at).map_or(0, |cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    for row in &cells {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", line.join(" | ").trim_end());
    }
}
