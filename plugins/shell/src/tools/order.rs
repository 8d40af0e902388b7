//! How `ls` orders names and sets them in columns.

use std::cmp::Ordering;

use super::base_name;

/// What a name ends with, dot included.
pub(super) fn extension(name: &str) -> &str {
    let at = base_name(name)
        .rfind('.')
        .map(|at| at + name.len() - base_name(name).len());
    at.and_then(|at| name.get(at..)).unwrap_or_default()
}

/// Names with numbers in them, by the numbers.
pub(super) fn by_version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let number = |text: &mut &[u8]| {
        let end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = text.split_at(end);
        *text = rest;
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.get(zeros..).unwrap_or_default().to_vec()
    };
    loop {
        match (a.first(), b.first()) {
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (number(&mut a), number(&mut b));
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
                if order.is_ne() {
                    return order;
                }
            }
            (Some(x), Some(y)) if x == y => {
                (a, b) = (
                    a.get(1..).unwrap_or_default(),
                    b.get(1..).unwrap_or_default(),
                );
            }
            (x, y) => return x.cmp(&y),
        }
    }
}

/// Names from top to bottom and left to right, as many columns as there is room for.
pub(super) fn in_columns(names: &[String], width: usize) -> String {
    let wide = |name: &String| name.chars().count();
    let mut text = String::new();
    for rows in 1..=names.len() {
        let columns: Vec<&[String]> = names.chunks(rows).collect();
        let widths: Vec<usize> = columns
            .iter()
            .map(|column| column.iter().map(wide).max().unwrap_or(0))
            .collect();
        if widths.iter().sum::<usize>() + 2 * (widths.len() - 1) >= width && rows < names.len() {
            continue;
        }
        for row in 0..rows {
            let cells = columns.iter().zip(&widths);
            let cells: Vec<(&String, usize)> = cells
                .filter_map(|(column, width)| Some((column.get(row)?, *width)))
                .collect();
            for (at, (name, width)) in cells.iter().enumerate() {
                text += name;
                if at + 1 < cells.len() {
                    text += &" ".repeat(width + 2 - wide(name));
                }
            }
            text.push('\n');
        }
        break;
    }
    text
}
