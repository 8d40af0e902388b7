//! Server-sent events, from bytes that may be cut anywhere.
//!
//! Bytes are gathered to whole lines before they are read as text, so a character cut in two by the network arrives whole.
//! Memory is bounded by the cap on the reply, which [`crate::http`] enforces.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// Its name, empty when none was given.
    pub(crate) name: String,
    /// Its data, lines joined.
    pub(crate) data: String,
}

/// Puts events together.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    after_cr: bool,
    event: SseEvent,
    has_data: bool,
}

impl SseReader {
    /// Takes the next bytes; gives the events they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    /// What was not closed by an empty line: some servers leave out the last one.
    pub(crate) fn finish(mut self) -> Option<SseEvent> {
        let closed = if self.line.is_empty() {
            None
        } else {
            self.end_of_line()
        };
        closed.or_else(|| self.end_of_line())
    }

    fn end_of_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_start_matches('\u{feff}');
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // Comments, ids and retry times are of no use here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut reader = SseReader::default();
        let mut events: Vec<_> = chunks.iter().flat_map(|chunk| reader.push(chunk)).collect();
        events.extend(reader.finish());
        events
            .into_iter()
            .map(|event| (event.name, event.data))
            .collect()
    }

    #[test]
    fn events_do_not_depend_on_where_the_network_cut_them() {
        let stream = "\u{feff}: hello\r\n\r\nevent: ping\r\ndata: {\"t\": \"zażółć\"}\r\n\r\ndata: one\ndata:two\n\nid: 3\n\rdata: [DONE]\r\r"
            .as_bytes();
        let whole = read(&[stream]);
        let expected = [
            ("ping", "{\"t\": \"zażółć\"}"),
            ("", "one\ntwo"),
            ("", "[DONE]"),
        ];
        assert_eq!(
            whole,
            expected.map(|(name, data)| (name.to_owned(), data.to_owned()))
        );
        for size in 1..9 {
            assert_eq!(
                read(&stream.chunks(size).collect::<Vec<_>>()),
                whole,
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn a_last_event_without_its_empty_line_counts() {
        assert_eq!(read(&[b"data: end"]), [(String::new(), "end".to_owned())]);
        assert_eq!(read(&[b"data: end\n"]), [(String::new(), "end".to_owned())]);
        assert_eq!(read(&[b"event: nothing\n\n: x"]), []);
    }
}
