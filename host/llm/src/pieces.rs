//! The pieces of a reply, from bytes that may be cut anywhere: events, one value a line, or Amazon's frames.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use serde_json::{Value, json};

use crate::http::Framing;
use crate::sse::SseReader;

/// Reads pieces as they come.
pub(crate) enum Lines {
    /// Server-sent events.
    Events(SseReader),
    /// The line that is not whole yet.
    Values(Vec<u8>),
    /// Amazon's event streams: length, headers, payload, checksums.
    Frames(MessageFrameDecoder, BytesMut),
}

impl Lines {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Events => Self::Events(SseReader::default()),
            Framing::Lines => Self::Values(Vec::new()),
            Framing::Frames => Self::Frames(MessageFrameDecoder::new(), BytesMut::new()),
        }
    }

    /// The pieces that are whole now, each as JSON; or why these bytes are none.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        match self {
            Self::Events(reader) => {
                let events = reader.push(bytes).into_iter();
                Ok(events.map(|event| event.data).collect())
            }
            Self::Values(rest) => {
                let mut lines = Vec::new();
                for &byte in bytes {
                    if byte == b'\n' {
                        lines.extend(line(&std::mem::take(rest)));
                    } else {
                        rest.push(byte);
                    }
                }
                Ok(lines)
            }
            Self::Frames(decoder, buffer) => {
                buffer.extend_from_slice(bytes);
                let mut told = Vec::new();
                loop {
                    match decoder.decode_frame(&mut *buffer) {
                        Ok(DecodedFrame::Complete(message)) => told.push(event(&message)),
                        Ok(DecodedFrame::Incomplete) => return Ok(told),
                        Err(why) => return Err(format!("a frame of the stream is none: {why}")),
                    }
                }
            }
        }
    }

    /// What is left at the end.
    pub(crate) fn finish(self) -> Option<String> {
        match self {
            Self::Events(reader) => reader.finish().map(|event| event.data),
            Self::Values(rest) => line(&rest),
            Self::Frames(..) => None,
        }
    }
}

fn line(bytes: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(bytes);
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// A frame as JSON: its payload under the name of the event, or an error with the name of the exception.
fn event(message: &Message) -> String {
    let header = |name: &str| {
        let mut headers = message.headers().iter();
        let found = headers.find(|header| header.name().as_str() == name)?;
        Some(found.value().as_string().ok()?.as_str().to_owned())
    };
    let payload = message.payload();
    let payload = serde_json::from_slice::<Value>(payload)
        .unwrap_or_else(|_| String::from_utf8_lossy(payload).into());
    let exception = header(":exception-type").or_else(|| header(":error-code"));
    let event = match (exception, header(":event-type")) {
        (Some(kind), _) => {
            let said = header(":error-message").map(Value::from);
            let said = said.or_else(|| payload.get("message").cloned());
            json!({"error": {"type": kind, "message": said.unwrap_or(payload)}})
        }
        (None, Some(kind)) => json!({ kind: payload }),
        (None, None) => payload,
    };
    event.to_string()
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};

    use super::*;

    fn frame(headers: &[(&'static str, &'static str)], payload: &'static str) -> Vec<u8> {
        let mut message = Message::new(payload.as_bytes());
        for (name, value) in headers {
            message = message.add_header(Header::new(*name, HeaderValue::String((*value).into())));
        }
        let mut bytes = Vec::new();
        write_message_to(&message, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_frame_is_its_event_wherever_the_bytes_are_cut_and_an_exception_is_an_error() {
        let mut bytes = frame(
            &[(":event-type", "messageStop")],
            "{\"stopReason\":\"end_turn\"}",
        );
        bytes.extend(frame(
            &[(":exception-type", "throttlingException")],
            "{\"message\":\"slower\"}",
        ));
        for size in [1, 7, 1_000] {
            let mut lines = Lines::new(Framing::Frames);
            let told: Vec<String> = bytes
                .chunks(size)
                .flat_map(|piece| lines.push(piece).unwrap())
                .collect();
            assert_eq!(
                told,
                [
                    "{\"messageStop\":{\"stopReason\":\"end_turn\"}}",
                    "{\"error\":{\"type\":\"throttlingException\",\"message\":\"slower\"}}"
                ]
            );
        }
    }

    #[test]
    fn a_damaged_frame_is_refused() {
        let mut damaged = frame(&[(":event-type", "messageStop")], "{}");
        if let Some(last) = damaged.last_mut() {
            *last ^= 1;
        }
        let said = Lines::new(Framing::Frames).push(&damaged).unwrap_err();
        assert!(said.starts_with("a frame of the stream is none"), "{said}");
    }
}
