//! The table of README.md is the cases, each with its origin and its reason.
//!
//! `CONFORMANCE_WRITE_TABLE=1 cargo test -p armature-cli --test conformance table` writes it anew.

use libtest_mimic::{Failed, Trial};

use crate::case::{Case, Origin, folder};

const BEGIN: &str = "<!-- cases: written from expected.json -->\n";
const END: &str = "<!-- end of the cases -->\n";

/// The least that this folder is good for.
const FEWEST: usize = 80;

/// The tests about the folder itself.
pub(crate) fn trials(names: &[String]) -> Vec<Trial> {
    let (all, named, counted) = (names.to_vec(), names.to_vec(), names.len());
    vec![
        Trial::test("the_table_of_the_readme_is_the_cases", move || table(&all)),
        Trial::test(
            "the_page_of_all_promises_names_cases_that_are_there",
            move || promises(&named),
        ),
        Trial::test("there_are_as_many_cases_as_promised", move || {
            if counted >= FEWEST {
                Ok(())
            } else {
                Err(Failed::from(format!(
                    "{counted} cases; {FEWEST} are promised"
                )))
            }
        }),
    ]
}

/// Every name in the last column of our part of `tests/README.md` stands for a case at least.
fn promises(names: &[String]) -> Result<(), Failed> {
    let page = std::fs::read_to_string(folder().join("../README.md"))?;
    let part = page
        .split("## ")
        .find(|part| part.starts_with("Specs of the Python original"))
        .ok_or("tests/README.md has no part about these cases")?;
    let cells = part
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.trim_end_matches(" |").rsplit(" | ").next());
    for name in cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let is_there = match name.strip_suffix('*') {
            Some(area) => names.iter().any(|case| case.starts_with(area)),
            None => names.iter().any(|case| case == name),
        };
        if !is_there {
            return Err(Failed::from(format!("there is no case {name}")));
        }
    }
    Ok(())
}

fn table(names: &[String]) -> Result<(), Failed> {
    let mut written = String::new();
    let mut counts = [0_usize; 3];
    for name in names {
        let case = Case::read(name)?;
        let place = match case.origin {
            Origin::Original => 0,
            Origin::Documents => 1,
            Origin::Design => 2,
        };
        counts[place] += 1;
        written += &format!(
            "| [`{name}`]({name}) | {} | {} |\n",
            case.origin.word(),
            case.why.replace('|', "\\|")
        );
    }
    let head = format!(
        "\n{} cases: {} as the original does it, {} as its documents say, {} as decided here.\n\n\
         | case | origin | why |\n|---|---|---|\n",
        names.len(),
        counts[0],
        counts[1],
        counts[2]
    );
    let file = folder().join("README.md");
    let text = std::fs::read_to_string(&file)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("README.md has no place for the table")?;
    let (found, after) = rest
        .split_once(END)
        .ok_or("the table of README.md has no end")?;
    let expected = format!("{head}{written}\n");
    if std::env::var_os("CONFORMANCE_WRITE_TABLE").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{expected}{END}{after}"))?;
        return Ok(());
    }
    if found == expected {
        return Ok(());
    }
    Err(Failed::from(
        "the table of README.md is not that of the cases; write it anew with CONFORMANCE_WRITE_TABLE=1",
    ))
}
