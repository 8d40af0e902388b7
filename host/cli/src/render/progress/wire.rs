//! The events of a run as lines of JSON, for programs that follow it.
//!
//! A line is `{"seq", "time", "run", "type", "data"}`. `seq` counts the lines of this stream, from 1 and without a gap,
//! runs within the run included; `time` is when the event reached the stream, ISO-8601 in UTC. What types there are and
//! what their data mean is the store's table of kinds: this is the same event that the log keeps. A line is written
//! whole and at once, so that a reader never waits for the end of one.

use std::{
    io::Write,
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use armature_store::{Event, RunId};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Writes events as they come, on a thread of its own.
pub(super) struct Wire {
    lines: Sender<String>,
    thread: JoinHandle<Result<(), String>>,
    seq: u64,
}

impl Wire {
    /// Begins a stream.
    pub(super) fn start(mut to: Box<dyn Write + Send>) -> Option<Self> {
        let (lines, incoming): (Sender<String>, Receiver<String>) = channel();
        let write = move || {
            let mut result = Ok(());
            for line in incoming {
                // After the first line that could not be written there is nobody to write for.
                if result.is_ok() {
                    let written = to.write_all(line.as_bytes()).and_then(|()| to.flush());
                    result = written.map_err(|why| why.to_string());
                }
            }
            result
        };
        let thread = std::thread::Builder::new()
            .name("events".into())
            .spawn(write);
        Some(Self {
            lines,
            thread: thread.ok()?,
            seq: 0,
        })
    }

    /// One more event.
    pub(super) fn event(&mut self, run: &RunId, event: &Event) {
        self.seq += 1;
        let line = line(self.seq, OffsetDateTime::now_utc(), run, event);
        let _ = self.lines.send(line);
    }

    /// Waits until all of it is written, and says why it is not, if it is not.
    pub(super) fn end(self) -> Result<(), String> {
        drop(self.lines);
        self.thread
            .join()
            .unwrap_or_else(|_| Err("the writer died".to_owned()))
    }
}

fn line(seq: u64, at: OffsetDateTime, run: &RunId, event: &Event) -> String {
    let mut line = json!({
        "seq": seq,
        "time": at.format(&Rfc3339).unwrap_or_default(),
        "run": run,
    });
    if let (Some(line), Ok(Value::Object(event))) =
        (line.as_object_mut(), serde_json::to_value(event))
    {
        line.extend(event);
    }
    line.to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_place_its_time_its_run_and_the_event() {
        let event = Event::StageSkipped {
            stage: "a".into(),
            reason: "x".into(),
        };
        let run = RunId::new("0123456789ab").unwrap();
        assert_eq!(
            line(7, OffsetDateTime::UNIX_EPOCH, &run, &event),
            "{\"seq\":7,\"time\":\"1970-01-01T00:00:00Z\",\"run\":\"0123456789ab\",\
             \"type\":\"stage_skipped\",\"data\":{\"stage\":\"a\",\"reason\":\"x\"}}\n"
        );
    }
}
