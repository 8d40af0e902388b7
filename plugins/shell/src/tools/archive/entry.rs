//! One member of an archive: its head, as it is read and as it is written.

use ::tar::{EntryType, Header};

/// How long a block is.
pub(super) const BLOCK: usize = 512;

/// Most bytes of a name in a head.
const LONGEST: usize = 100;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Symlink,
    /// Another name of a member before it.
    Link,
    /// A device, a pipe, a file with holes, or something that only its maker knows.
    Other,
}

/// A member, without its content.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) modified: u64,
    /// Where a link leads.
    pub(super) end: String,
    pub(super) owner: (String, u64),
    pub(super) group: (String, u64),
}

impl Entry {
    /// What a head says; the name of a folder ends with `/`.
    pub(super) fn of(header: &Header) -> Self {
        let text = |bytes: Option<&[u8]>| {
            let bytes = bytes.unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        let kind = match header.entry_type() {
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::Link,
            EntryType::Regular | EntryType::Continuous if name.ends_with('/') => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            _ => Kind::Other,
        };
        Self {
            name,
            kind,
            mode: header.mode().unwrap_or(0o644) & 0o7777,
            size: header.entry_size().unwrap_or(0),
            modified: header.mtime().unwrap_or(0),
            end: text(header.link_name_bytes().as_deref()),
            owner: (text(header.username_bytes()), header.uid().unwrap_or(0)),
            group: (text(header.groupname_bytes()), header.gid().unwrap_or(0)),
        }
    }

    /// The head, with what goes before it where a name is long.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        for (kind, text) in [(b'K', &self.end), (b'L', &self.name)] {
            if text.len() > LONGEST {
                let mut content = text.clone().into_bytes();
                content.push(0);
                let header = made(kind, b"././@LongLink", content.len() as u64, |header| {
                    header.set_mode(0o644);
                });
                head.extend_from_slice(header.as_bytes());
                content.resize(content.len().next_multiple_of(BLOCK), 0);
                head.extend(content);
            }
        }
        let kind = match self.kind {
            Kind::File | Kind::Other => b'0',
            Kind::Link => b'1',
            Kind::Symlink => b'2',
            Kind::Folder => b'5',
        };
        let header = made(kind, self.name.as_bytes(), self.size, |header| {
            header.set_mode(self.mode);
            header.set_mtime(self.modified);
            header.set_uid(self.owner.1);
            header.set_gid(self.group.1);
            // Names that are too long for it are left out; the number is there.
            let _ = header.set_username(&self.owner.0);
            let _ = header.set_groupname(&self.group.0);
            let end = self.end.as_bytes();
            let _ = header.set_link_name_literal(end.get(..LONGEST).unwrap_or(end));
        });
        head.extend_from_slice(header.as_bytes());
        head
    }
}

fn made(kind: u8, name: &[u8], size: u64, more: impl FnOnce(&mut Header)) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::new(kind));
    for (place, byte) in header.as_old_mut().name.iter_mut().zip(name) {
        *place = *byte;
    }
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    more(&mut header);
    header.set_cksum();
    header
}
