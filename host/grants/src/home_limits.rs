//! The table of limits of armature's home: what is kept between runs, and how much of it.
//!
//! The operator's policy sets them, under `[home]`; no spec does, since all specs share the home.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::size::parse_bytes;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct HomeLimit {
    /// How it is written under `[home]`.
    pub name: &'static str,
    /// What holds when nobody says anything.
    pub default: u64,
    /// What it is for.
    pub why: &'static str,
}

macro_rules! home_limits {
    ($( $field:ident $read:literal $default:literal $why:literal; )*) => {
        /// What is kept between runs, with the reason for each bound.
        pub const HOME_LIMITS: &[HomeLimit] = &[ $( HomeLimit {
            name: stringify!($field), default: $default, why: $why,
        }, )* ];

        /// The limits of a home, complete.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct HomeLimits { $( #[doc = $why] #[serde(deserialize_with = $read)] pub $field: u64, )* }

        impl Default for HomeLimits {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }
    };
}

home_limits! {
    cache "bytes" 268_435_456 "Bytes of kept replies of models: those not used for longest go first.";
    cache_days "count" 30 "Days for which a reply is kept: a model behind the same name changes.";
    memory_records "count" 10_000 "Facts that one workflow's memory holds: what was replaced goes first, then the least sure.";
}

/// Bytes, as a number or a text such as `"512MiB"`. 0 keeps nothing.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => parse_bytes(&text).map_err(D::Error::custom),
        other => other
            .as_u64()
            .ok_or_else(|| D::Error::custom("bytes, or a text such as \"512MiB\"")),
    }
}

/// A whole number. 0 keeps nothing.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    u64::deserialize(deserializer)
}
