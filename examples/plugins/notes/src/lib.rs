//! Tools over the plugin's own store: add a note, search the notes, and export them by calling another tool.

use armature_plugin::prelude::*;

/// A note.
#[data]
struct Note {
    /// Its number; later notes have larger ones.
    id: u32,
    /// What it says.
    text: String,
    /// Words to find it by.
    tags: Vec<String>,
}

/// What was added.
#[data]
struct Added {
    /// The note's number.
    id: u32,
}

/// What was exported.
#[data]
struct Exported {
    /// The file.
    path: String,
    /// How many notes are in it.
    notes: usize,
}

/// Keep a short note. Find it again with `note_search`, in this run or in a later run of the same workflow.
#[tool(effect = workspace, reversibility = partial, idempotent, output)]
fn note_add(
    /// What to remember, in a sentence or two.
    text: String,
    /// Words to find it by, e.g. `["tea", "idea"]`.
    #[default(Vec::new())]
    tags: Vec<String>,
    context: &Context,
) -> Result<Added, ToolError> {
    if text.trim().is_empty() {
        return Err(ToolError::invalid("`text` is empty: say what to remember"));
    }
    // The same call, repeated after a crash, finds its note here. That is what `idempotent` promises.
    let call = format!("call/{}", context.call_id);
    if let Some(id) = kv::get_json(&call)? {
        return Ok(Added { id });
    }
    let id = kv::keys("note/")?.last().map_or(1, |last| number(last) + 1);
    kv::set_json(&key(id), &Note { id, text, tags })?;
    kv::set_json(&call, &id)?;
    log::info!("note {id} kept");
    Ok(Added { id })
}

/// Find notes that were kept with `note_add`, newest first. Without a query it returns the newest notes.
#[tool(effect = read_only, output)]
fn note_search(
    /// A word or phrase of the note or of its tags; upper and lower case are the same.
    query: Option<String>,
    /// How many notes to return at most.
    #[default(10)]
    limit: usize,
) -> Result<Vec<Note>, ToolError> {
    let query = query.unwrap_or_default().to_lowercase();
    let mut found = Vec::new();
    for key in kv::keys("note/")?.iter().rev() {
        if found.len() == limit {
            break;
        }
        found.extend(kv::get_json(key)?.filter(|note| matches(note, &query)));
    }
    Ok(found)
}

/// Write all notes into a text file of the workspace, oldest first.
///
/// The file is written by `file_write`, with that tool's rights and past its rules: this plugin has no right to files.
#[tool(effect = workspace, reversibility = partial, idempotent, output)]
fn note_export(
    /// The file, relative to the workspace, e.g. `out/notes.md`.
    path: String,
) -> Result<Exported, ToolError> {
    let mut content = String::new();
    let keys = kv::keys("note/")?;
    for key in &keys {
        let note: Option<Note> = kv::get_json(key)?;
        content.extend(note.map(|note| format!("- {}\n", note.text)));
    }
    let _: Value = tools::call("file_write", &json!({ "path": path, "content": content }))?;
    Ok(Exported {
        path,
        notes: keys.len(),
    })
}

/// Keys sort as their numbers do.
fn key(id: u32) -> String {
    format!("note/{id:010}")
}

fn number(key: &str) -> u32 {
    key.trim_start_matches("note/").parse().unwrap_or(0)
}

fn matches(note: &Note, query: &str) -> bool {
    note.text.to_lowercase().contains(query)
        || note
            .tags
            .iter()
            .any(|tag| tag.to_lowercase().contains(query))
}

export_tools!(note_add, note_search, note_export);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_by_its_text_and_by_its_tags() {
        let note = Note {
            id: 1,
            text: "Oolong is half way".into(),
            tags: vec!["Tea".into()],
        };
        assert!(matches(&note, "oolong") && matches(&note, "tea") && matches(&note, ""));
        assert!(!matches(&note, "coffee"));
    }

    #[test]
    fn keys_sort_as_their_numbers_do() {
        assert!(key(9) < key(10));
        assert_eq!(number(&key(4_000_000_000)), 4_000_000_000);
    }
}
