//! An adapter that turns a text into an outline. To save it, it calls the tool `file_write`: with that tool's rights,
//! and past the same rules and approvals as everybody else.

use armature_plugin::prelude::*;

/// What the workflow's author wrote under `args`.
#[data]
#[serde(deny_unknown_fields)]
struct Config {
    /// The text: Markdown, or paragraphs.
    text: String,
    /// Where to save the outline.
    save_to: Option<String>,
}

/// One line of the outline.
#[data]
#[derive(PartialEq)]
struct Item {
    /// 1 for the top.
    level: usize,
    /// The heading, or the first sentence of a paragraph.
    heading: String,
    /// How many words lie below it.
    words: usize,
}

#[data]
struct Outline {
    items: Vec<Item>,
    /// The outline as a Markdown list.
    markdown: String,
    /// Where it was saved.
    saved: Option<String>,
}

fn outline(config: Config, _context: Value) -> Result<Outline, AdapterError> {
    let items = items(&config.text);
    if items.is_empty() {
        return Err(AdapterError::Invalid(
            "args: `text` is empty, there is nothing to outline".into(),
        ));
    }
    let markdown = markdown(&items);
    if let Some(path) = &config.save_to {
        let written: Value =
            tools::call("file_write", &json!({ "path": path, "content": markdown }))?;
        log::debug!("file_write answered {written}");
    }
    Ok(Outline {
        items,
        markdown,
        saved: config.save_to,
    })
}

/// Headings where there are any, otherwise the first sentence of each paragraph.
fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for line in text.lines() {
        match heading(line) {
            Some((level, heading)) => items.push(Item {
                level,
                heading: heading.to_owned(),
                words: 0,
            }),
            None => {
                if let Some(item) = items.last_mut() {
                    item.words += line.split_whitespace().count();
                }
            }
        }
    }
    if !items.is_empty() {
        return items;
    }
    let paragraphs = text
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty());
    paragraphs
        .map(|paragraph| Item {
            level: 1,
            heading: paragraph
                .split_inclusive(['.', '!', '?'])
                .next()
                .unwrap_or(paragraph)
                .replace('\n', " "),
            words: paragraph.split_whitespace().count(),
        })
        .collect()
}

/// `## Heading` is a heading of level 2.
fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let text = text.strip_prefix(' ')?.trim();
    ((1..=6).contains(&level) && !text.is_empty()).then_some((level, text))
}

fn markdown(items: &[Item]) -> String {
    let top = items.iter().map(|item| item.level).min().unwrap_or(1);
    let line = |item: &Item| {
        format!(
            "{}- {} ({} words)\n",
            "  ".repeat(item.level - top),
            item.heading,
            item.words
        )
    };
    items.iter().map(line).collect()
}

export_adapter!(outline);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_make_the_outline_where_there_are_any() {
        let items = items("intro\n# Tea\none two\n## Green\nthree\n#hash\n");
        assert_eq!(markdown(&items), "- Tea (2 words)\n  - Green (2 words)\n");
    }

    #[test]
    fn otherwise_each_paragraph_gives_its_first_sentence() {
        let items = items("Tea is old. It is\ngood.\n\n\nCoffee\nis newer");
        assert_eq!(
            markdown(&items),
            "- Tea is old. (6 words)\n- Coffee is newer (3 words)\n"
        );
    }
}
