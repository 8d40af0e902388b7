//! What `tar` was given: names, each with its folder, what to leave out, and lists of both in files.

use std::path::PathBuf;

use super::{
    super::{reason, remove::bashkit_path},
    Call, Fatal,
};

/// A name to pack or to look for, and the folder that it is in.
pub(super) struct Operand {
    pub(super) folder: PathBuf,
    pub(super) name: String,
}

/// The old form of the first word, `xzf`, as options: each letter that takes a value takes the next word.
pub(super) fn spelled_out(args: &[String]) -> Vec<String> {
    let Some((bundle, rest)) = args.split_first() else {
        return Vec::new();
    };
    if bundle.starts_with('-') {
        return args.to_vec();
    }
    let mut words = Vec::new();
    let mut rest = rest.iter().cloned();
    for letter in bundle.chars() {
        words.push(format!("-{letter}"));
        if "fCTX".contains(letter) {
            words.extend(rest.next());
        }
    }
    words.extend(rest);
    words
}

impl Call<'_> {
    /// The names that were given, each with its folder: `-C` is for those behind it. Sets what is left out, too.
    pub(super) async fn operands(&mut self) -> std::result::Result<Vec<Operand>, Fatal> {
        let given = self.given;
        let mut folder = self.context.cwd.clone();
        let mut operands = Vec::new();
        let mut names = given.operands.iter().enumerate().peekable();
        let mut lists = Vec::new();
        for ((letter, value), before) in given.options.iter().zip(&given.before) {
            while let Some((_, name)) = names.next_if(|(at, _)| at < before) {
                operands.push(Operand {
                    folder: folder.clone(),
                    name: name.clone(),
                });
            }
            let value = value.clone().unwrap_or_default();
            match letter {
                'C' => {
                    folder = bashkit::normalize_path(&folder.join(&value));
                    let about = self.context.fs.stat(&folder).await;
                    let why = match about {
                        Ok(about) if about.file_type.is_dir() => continue,
                        Ok(_) => "Not a directory".to_owned(),
                        Err(error) => reason(&error),
                    };
                    return Err(format!("{value}: Cannot open: {why}").into());
                }
                'E' => self.wanted.excluded.push(value),
                'X' => {
                    let lines = self.lines_of(&value).await?;
                    self.wanted.excluded.extend(lines);
                }
                'T' => lists.push((folder.clone(), value)),
                'R' => match value.parse() {
                    Ok(parts) => self.wanted.parts_off = parts,
                    Err(_) => {
                        return Err(format!("{value}: Invalid number of elements").into());
                    }
                },
                _ => {}
            }
        }
        for (_, name) in names {
            operands.push(Operand {
                folder: folder.clone(),
                name: name.clone(),
            });
        }
        for (folder, list) in lists {
            for name in self.lines_of(&list).await? {
                operands.push(Operand {
                    folder: folder.clone(),
                    name,
                });
            }
        }
        self.wanted.folder = folder;
        self.wanted.has_patterns = given.last_of("W7") == Some('W');
        self.wanted
            .look_for(operands.iter().map(|operand| operand.name.as_str()));
        Ok(operands)
    }

    /// The names that a file has in it, one a line.
    async fn lines_of(&self, name: &str) -> std::result::Result<Vec<String>, Fatal> {
        let text = if name == "-" {
            self.context.stdin_bytes().unwrap_or_default().to_vec()
        } else {
            let path = bashkit_path(self.context, name);
            let read = self.context.fs.read_file(&path).await;
            read.map_err(|error| format!("{name}: Cannot open: {}", reason(&error)))?
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let end = if self.given.has('0') { '\0' } else { '\n' };
        let lines = text.split(end).filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }
}
