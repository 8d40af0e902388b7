//! An archive, read member by member.

use std::io::{Read, copy, sink};

use ::tar::{Header, PaxExtensions};

use super::entry::{BLOCK, Entry, Kind};

/// Most bytes of a long name, or of what is told of a member besides its head.
const MOST_BESIDE: u64 = 1 << 20;

/// Why there is nothing more to read.
pub(super) enum Wrong {
    /// It is no archive.
    NoArchive,
    /// What follows is no head.
    NoHead,
    /// It ends within a member.
    Cut,
    /// What it is packed with is broken.
    Packed(String),
}

/// The members.
pub(super) struct Members<'a> {
    source: Box<dyn Read + Send + 'a>,
    /// What is left of the content of the last member, with what fills its last block.
    left: u64,
    /// How much of that is content.
    content: u64,
    /// The bytes up to here are whole members.
    pub(super) done: u64,
}

/// What is told of the next member before its head.
#[derive(Default)]
struct Beside {
    name: Option<String>,
    end: Option<String>,
    size: Option<u64>,
    modified: Option<u64>,
    /// Its content is not all there: the holes are told apart.
    has_holes: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(source: Box<dyn Read + Send + 'a>) -> Self {
        Self {
            source,
            left: 0,
            content: 0,
            done: 0,
        }
    }

    /// The next member; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Wrong> {
        self.skip()?;
        let mut beside = Beside::default();
        let begin = self.done;
        loop {
            let Some(header) = self.head()? else {
                self.done = begin;
                return Ok(None);
            };
            let kind = header.entry_type();
            let size = header.entry_size().map_err(|_| Wrong::NoHead)?;
            if kind.is_gnu_longname() || kind.is_gnu_longlink() {
                let mut text = self.beside(size)?;
                while text.last() == Some(&0) {
                    text.pop();
                }
                let text = String::from_utf8_lossy(&text).into_owned();
                if kind.is_gnu_longname() {
                    beside.name = Some(text);
                } else {
                    beside.end = Some(text);
                }
            } else if kind.is_pax_local_extensions() {
                let content = self.beside(size)?;
                beside.take(&content);
            } else if kind.is_pax_global_extensions() {
                self.beside(size)?;
            } else {
                return Ok(Some(self.member(&header, beside)));
            }
        }
    }

    fn member(&mut self, header: &Header, beside: Beside) -> Entry {
        let mut entry = Entry::of(header);
        entry.size = beside.size.unwrap_or(entry.size);
        entry.modified = beside.modified.unwrap_or(entry.modified);
        entry.end = beside.end.unwrap_or(entry.end);
        if let Some(name) = beside.name {
            entry.name = name;
        }
        if entry.kind == Kind::File && entry.name.ends_with('/') {
            entry.kind = Kind::Folder;
        }
        if beside.has_holes {
            entry.kind = Kind::Other;
        }
        if entry.kind == Kind::Folder && !entry.name.ends_with('/') {
            entry.name.push('/');
        }
        self.begin(entry.size);
        entry
    }

    /// The content of the last member.
    pub(super) fn content(&mut self) -> Result<Vec<u8>, Wrong> {
        let mut content = Vec::new();
        let read = self
            .source
            .by_ref()
            .take(self.content)
            .read_to_end(&mut content);
        read.map_err(|error| Wrong::Packed(error.to_string()))?;
        let length = content.len() as u64;
        self.left = self.left.saturating_sub(length);
        self.done = self.done.saturating_add(length);
        if length < self.content {
            return Err(Wrong::Cut);
        }
        self.content = 0;
        Ok(content)
    }

    fn begin(&mut self, size: u64) {
        self.content = size;
        self.left = size.checked_next_multiple_of(BLOCK as u64).unwrap_or(size);
    }

    /// Goes to the end of the last member.
    fn skip(&mut self) -> Result<(), Wrong> {
        let mut rest = self.source.by_ref().take(self.left);
        let skipped = copy(&mut rest, &mut sink());
        let skipped = skipped.map_err(|error| Wrong::Packed(error.to_string()))?;
        if skipped < self.left {
            return Err(Wrong::Cut);
        }
        self.done = self.done.saturating_add(self.left);
        (self.left, self.content) = (0, 0);
        Ok(())
    }

    /// What is told of the next member.
    fn beside(&mut self, size: u64) -> Result<Vec<u8>, Wrong> {
        if size > MOST_BESIDE {
            return Err(Wrong::NoHead);
        }
        self.begin(size);
        let content = self.content()?;
        self.skip()?;
        Ok(content)
    }

    /// The next head; none where the archive says that it ends, or does.
    fn head(&mut self) -> Result<Option<Header>, Wrong> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => return Err(Wrong::Packed(error.to_string())),
            }
        }
        let no_head = if self.done == 0 {
            Wrong::NoArchive
        } else {
            Wrong::NoHead
        };
        if filled < BLOCK {
            return if self.done == 0 {
                Err(no_head)
            } else {
                Ok(None)
            };
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| match at {
                // The sum itself counts as spaces.
                148..156 => u32::from(b' '),
                _ => u32::from(*byte),
            })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(no_head);
        }
        self.done = self.done.saturating_add(BLOCK as u64);
        Ok(Some(header))
    }
}

impl Beside {
    fn take(&mut self, content: &[u8]) {
        for extension in PaxExtensions::new(content).flatten() {
            let value = String::from_utf8_lossy(extension.value_bytes()).into_owned();
            let whole = value.split('.').next().and_then(|whole| whole.parse().ok());
            match extension.key_bytes() {
                b"path" if self.has_holes => {}
                b"path" => self.name = Some(value),
                b"linkpath" => self.end = Some(value),
                b"size" => self.size = whole,
                b"mtime" => self.modified = whole,
                b"GNU.sparse.name" => {
                    self.name = Some(value);
                    self.has_holes = true;
                }
                key => self.has_holes |= key.starts_with(b"GNU.sparse."),
            }
        }
    }
}
