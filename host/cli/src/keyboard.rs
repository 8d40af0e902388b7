//! The terminal's keyboard, read a line at a time.
//!
//! Nothing is read ahead: a terminal hands over one line, and what follows it stays with the system, where
//! [`forget_what_was_typed`] can throw it away. So a line that was typed early never answers a question that was shown
//! late.

use tokio::sync::oneshot;

/// Longest line, in bytes: what a terminal hands over at one time.
const MAX_LINE: usize = 4096;

/// Throws away what was typed and not yet read.
pub(crate) fn forget_what_was_typed() {
    #[cfg(unix)]
    {
        use rustix::termios::{QueueSelector, tcflush};
        // Where it is not a terminal there is nothing to forget.
        let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
    }
}

/// A line; none when there is no keyboard, or it was closed. The thread that waits for it is left alone when the
/// question is given up: nothing waits for it at the end of the program.
pub(crate) async fn line() -> Option<String> {
    let (send, receive) = oneshot::channel();
    std::thread::Builder::new()
        .name("answer".into())
        .spawn(move || {
            let _ = send.send(read());
        })
        .ok()?;
    receive.await.ok().flatten()
}

#[cfg(unix)]
fn read() -> Option<String> {
    let mut bytes = [0; MAX_LINE];
    let count = rustix::io::read(rustix::stdio::stdin(), &mut bytes).ok()?;
    let line = bytes.get(..count).filter(|line| !line.is_empty())?;
    Some(String::from_utf8_lossy(line).into_owned())
}

#[cfg(not(unix))]
fn read() -> Option<String> {
    use std::io::BufRead as _;
    let mut line = String::with_capacity(MAX_LINE);
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok_and(|bytes| bytes > 0).then_some(line)
}
