//! `--format`: for whom a command writes what it found. One enum, so that every command takes the same words.

/// For whom it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: JSON on standard output.
    Json,
}
