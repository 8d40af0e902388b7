//! Values of trace columns, between Rust and SQLite.
//!
//! Writing cannot fail and reading is lenient: a value of another type is read as what it most plausibly means, and what
//! means nothing is the column's default. A row of another tool is worth more with a gap than not at all.

use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::{Map, Value};

/// A value of a trace column, between Rust and SQLite.
pub(crate) trait Cell: Sized + Default {
    fn to_cell(&self) -> Sql;
    fn from_cell(cell: ValueRef<'_>) -> Option<Self>;
}

impl Cell for String {
    fn to_cell(&self) -> Sql {
        Sql::Text(self.clone())
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        match cell {
            ValueRef::Text(text) => Some(Self::from_utf8_lossy(text).into_owned()),
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(number.to_string()),
            ValueRef::Null | ValueRef::Blob(_) => None,
        }
    }
}

impl Cell for bool {
    fn to_cell(&self) -> Sql {
        Sql::Integer(i64::from(*self))
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl Cell for i64 {
    fn to_cell(&self) -> Sql {
        Sql::Integer(*self)
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        match cell {
            ValueRef::Integer(number) => Some(number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float cast saturates, and a count is what was meant"
            )]
            ValueRef::Real(number) => Some(number as Self),
            _ => None,
        }
    }
}

impl Cell for u64 {
    fn to_cell(&self) -> Sql {
        Sql::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|number| Self::try_from(number).unwrap_or(0))
    }
}

impl Cell for f64 {
    fn to_cell(&self) -> Sql {
        // SQLite has no NaN: it would become NULL and break NOT NULL readers.
        Sql::Real(if self.is_finite() { *self } else { 0.0 })
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        match cell {
            ValueRef::Real(number) => Some(number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "milliseconds and scores are far below 2^53"
            )]
            ValueRef::Integer(number) => Some(number as Self),
            _ => None,
        }
    }
}

impl Cell for Map<String, Value> {
    fn to_cell(&self) -> Sql {
        Sql::Text(serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned()))
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        serde_json::from_str(cell.as_str().ok()?).ok()
    }
}

impl Cell for Vec<String> {
    fn to_cell(&self) -> Sql {
        Sql::Text(serde_json::to_string(self).unwrap_or_else(|_| "[]".to_owned()))
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        let values: Vec<Value> = serde_json::from_str(cell.as_str().ok()?).ok()?;
        let text = |value: Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        Some(values.into_iter().map(text).collect())
    }
}

impl<T: Cell> Cell for Option<T> {
    fn to_cell(&self) -> Sql {
        self.as_ref().map_or(Sql::Null, T::to_cell)
    }
    fn from_cell(cell: ValueRef<'_>) -> Option<Self> {
        Some(T::from_cell(cell))
    }
}
