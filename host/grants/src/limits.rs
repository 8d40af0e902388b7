//! The table of limits of one call: name, unit, default, ceiling and reason.
//!
//! Every row is set on every call, metadata calls and rules included. [`Limits`] has no `Default`: whoever makes a
//! call says which limits it has, and the way to say "the usual ones" is [`Limits::standard`]. Help, JSON Schema,
//! documentation and the hostile-plugin tests are generated from this table or checked against it.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::size::{parse_bytes, show_bytes};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// wasmtime's fuel: roughly one instruction of the guest. Not a time.
    Fuel,
    /// Milliseconds inside; written in seconds.
    Time,
    /// Bytes; written as a number or with a unit, `64MiB`.
    Bytes,
    /// Things.
    Count,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Which one it is.
    pub id: LimitId,
    /// How it is written under `limits:`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What holds when nobody says anything.
    pub default: u64,
    /// The most a spec may ask for; the operator's policy may set less.
    pub ceiling: u64,
    /// What it is for.
    pub why: &'static str,
}

impl Limit {
    /// An amount of this limit as people read it.
    pub fn show(&self, amount: u64) -> String {
        match self.unit {
            Unit::Bytes => show_bytes(amount),
            Unit::Time if amount.is_multiple_of(1000) => format!("{}s", amount / 1000),
            Unit::Time => format!("{amount}ms"),
            Unit::Fuel | Unit::Count => amount.to_string(),
        }
    }

    /// Reads an amount as it is written under `limits:`.
    fn read(&self, value: &Value) -> Result<u64, String> {
        let bad = || {
            let form = match self.unit {
                Unit::Bytes => "bytes, or a text such as \"64MiB\"",
                Unit::Time => "seconds",
                Unit::Fuel | Unit::Count => "a whole number",
            };
            format!("limit `{}` takes {form}, not {value}", self.name)
        };
        let amount = match (self.unit, value) {
            (Unit::Bytes, Value::String(text)) => parse_bytes(text)?,
            (Unit::Time, value) => {
                let seconds = value
                    .as_f64()
                    .filter(|s| *s > 0.0 && *s < 1e9)
                    .ok_or_else(bad)?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0 < seconds < 1e9"
                )]
                let millis = (seconds * 1000.0).ceil() as u64;
                millis
            }
            (_, value) => value.as_u64().ok_or_else(bad)?,
        };
        if amount == 0 {
            return Err(format!(
                "limit `{}` cannot be 0: nothing could run",
                self.name
            ));
        }
        Ok(amount)
    }
}

/// Why limits could not be combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` is asked as {asked}, but at most {ceiling} is allowed{by}")]
pub struct LimitError {
    name: &'static str,
    asked: String,
    ceiling: String,
    by: &'static str,
}

macro_rules! limits {
    ($( $id:ident $field:ident $unit:ident $default:literal $ceiling:literal $why:literal; )*) => {
        /// Names a limit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LimitId { $( #[doc = $why] $id, )* }

        /// All limits of a call, in the order in which documentation lists them.
        pub const LIMITS: &[Limit] = &[ $( Limit {
            id: LimitId::$id, name: stringify!($field), unit: Unit::$unit, default: $default, ceiling: $ceiling, why: $why,
        }, )* ];

        /// The limits of one call, complete. Times are in milliseconds, sizes in bytes.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $( #[doc = $why] pub $field: u64, )* }

        impl Limits {
            /// The default column of the table.
            pub const fn standard() -> Self {
                Self { $( $field: $default, )* }
            }

            /// The amount of one limit.
            pub const fn get(&self, id: LimitId) -> u64 {
                match id { $( LimitId::$id => self.$field, )* }
            }

            fn set(&mut self, id: LimitId, amount: u64) {
                match id { $( LimitId::$id => self.$field = amount, )* }
            }
        }
    };
}

limits! {
    Fuel fuel Fuel 2_000_000_000 1_000_000_000_000 "Instructions of the guest: the same program stops at the same place on every machine.";
    Timeout timeout_s Time 30_000 3_600_000 "Wall clock of the whole call, time inside the host included: what fuel does not see.";
    Memory memory Bytes 67_108_864 1_073_741_824 "Linear memory, summed over all memories of the instance.";
    TableElements table_elements Count 100_000 1_000_000 "Entries of tables, summed: they are host memory.";
    Instances instances Count 100 1_000 "Core instances a component is made of.";
    Memories memories Count 16 100 "Linear memories of one component.";
    Tables tables Count 64 1_000 "Tables of one component.";
    Stack stack Bytes 524_288 524_288 "The guest's stack: recursion ends here. Fixed, because it is the engine's.";
    HostCalls host_calls Count 10_000 1_000_000 "Calls into the host: each is work that fuel does not see.";
    HostCallBytes host_call_bytes Bytes 8_388_608 67_108_864 "What one call may hand to the host: strings and lists are copied.";
    Handles handles Count 1_000 100_000 "Handles to host resources held at one time.";
    Input input Bytes 4_194_304 67_108_864 "Arguments, as JSON text.";
    Output output Bytes 4_194_304 67_108_864 "The result, as JSON text.";
    LogLines log_lines Count 1_000 100_000 "Lines written with `log` and to standard output.";
    LogBytes log_bytes Bytes 262_144 16_777_216 "Bytes of those lines.";
    HttpRequests http_requests Count 20 1_000 "Requests, redirects included.";
    HttpUp http_up Bytes 1_048_576 67_108_864 "Bytes sent: method, URL, headers and body of all requests.";
    HttpDown http_down Bytes 4_194_304 67_108_864 "Bytes received, after decompression, of all responses.";
    HttpConnect http_connect_s Time 5_000 60_000 "Until a connection stands.";
    HttpFirstByte http_first_byte_s Time 30_000 600_000 "Until the response begins.";
    HttpIdle http_idle_s Time 10_000 600_000 "Between two pieces of a response: a server that trickles is given up.";
    HttpRedirects http_redirects Count 5 20 "Redirects of one request.";
    FileRead file_read Bytes 8_388_608 268_435_456 "Bytes read from files.";
    FileWritten file_written Bytes 16_777_216 1_073_741_824 "Bytes written to files.";
    FileEntries file_entries Count 1_000 100_000 "Files and directories created, or listed at one time.";
    KvBytes kv_bytes Bytes 1_048_576 67_108_864 "Keys and values a plugin keeps.";
    KvEntries kv_entries Count 1_000 100_000 "Keys a plugin keeps.";
    CallDepth call_depth Count 8 32 "Tools that call tools.";
    ComponentBytes component Bytes 67_108_864 268_435_456 "Size of a component file: checked before it is parsed.";
    ComponentFunctions component_functions Count 200_000 1_000_000 "Functions in a component: checked before it is compiled.";
    ComponentNesting component_nesting Count 16 64 "Components within components: checked before it is compiled.";
    CompileTime compile_s Time 120_000 600_000 "Compiling a component; afterwards it comes from the cache.";
}

impl LimitId {
    /// The row of this limit.
    pub fn row(self) -> &'static Limit {
        // The enum and the table come from the same macro, in the same order.
        LIMITS.get(self as usize).unwrap_or(&FIRST)
    }

    /// Its name under `limits:`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Does it hold while a plugin is loaded, before there is a call? Plugins are loaded once for all specs, so only the
    /// operator's policy sets these.
    pub const fn is_of_loading(self) -> bool {
        matches!(
            self,
            Self::Stack
                | Self::ComponentBytes
                | Self::ComponentFunctions
                | Self::ComponentNesting
                | Self::CompileTime
        )
    }
}

const FIRST: Limit = Limit {
    id: LimitId::Fuel,
    name: "fuel",
    unit: Unit::Fuel,
    default: 1,
    ceiling: 1,
    why: "",
};

impl Limits {
    /// What plugins are loaded and asked for their tools under: what the operator says, and the default where nothing is
    /// said. More than the default can be said of loading alone; a call has more where its spec asks for it.
    #[must_use]
    pub fn of_loading(policy: &LimitRequest) -> Self {
        let mut limits = Self::standard();
        for row in LIMITS {
            if let Some(amount) = policy.get(row.id) {
                let most = if row.id.is_of_loading() {
                    row.ceiling
                } else {
                    row.default
                };
                limits.set(row.id, amount.min(most));
            }
        }
        limits
    }

    /// These limits with what was asked put over them.
    ///
    /// # Errors
    /// [`LimitError`] when more is asked than the table or the operator's `policy` allows.
    pub fn with(
        mut self,
        asked: &LimitRequest,
        policy: Option<&LimitRequest>,
    ) -> Result<Self, LimitError> {
        for row in LIMITS {
            let allowed_by_policy = policy.and_then(|p| p.get(row.id));
            let ceiling = allowed_by_policy.map_or(row.ceiling, |amount| amount.min(row.ceiling));
            match asked.get(row.id) {
                Some(amount) if amount > ceiling => {
                    let by = if ceiling < row.ceiling {
                        " by the operator's policy"
                    } else {
                        ""
                    };
                    return Err(LimitError {
                        name: row.name,
                        asked: row.show(amount),
                        ceiling: row.show(ceiling),
                        by,
                    });
                }
                Some(amount) => self.set(row.id, amount),
                // What nobody asked for still obeys a policy that is below the default.
                None => self.set(row.id, self.get(row.id).min(ceiling)),
            }
        }
        Ok(self)
    }
}

/// Limits as somebody writes them: only those that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitRequest(BTreeMap<LimitId, u64>);

impl LimitRequest {
    /// The amount asked for, if it was.
    pub fn get(&self, id: LimitId) -> Option<u64> {
        self.0.get(&id).copied()
    }

    /// Ask for an amount.
    #[must_use]
    pub fn and(mut self, id: LimitId, amount: u64) -> Self {
        self.0.insert(id, amount);
        self
    }

    /// Is nothing asked?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for LimitRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let asked = Self::every_row(deserializer)?;
        match asked.0.keys().find(|id| id.is_of_loading()) {
            Some(id) => Err(D::Error::custom(format!(
                "limit `{}` holds when a plugin is loaded, for all specs; the operator sets it, under `[limits]` in \
                 policy.toml",
                id.name()
            ))),
            None => Ok(asked),
        }
    }
}

impl LimitRequest {
    /// Reads any row, as the operator may write them.
    ///
    /// # Errors
    /// Names that are none, and amounts that have no sense.
    pub(crate) fn every_row<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let mut asked = BTreeMap::new();
        for (name, value) in written {
            let Some(row) = LIMITS.iter().find(|row| row.name == name) else {
                let known: Vec<&str> = LIMITS.iter().map(|row| row.name).collect();
                return Err(D::Error::custom(format!(
                    "unknown limit `{name}`; there are {}",
                    known.join(", ")
                )));
            };
            asked.insert(row.id, row.read(&value).map_err(D::Error::custom)?);
        }
        Ok(Self(asked))
    }
}

impl Serialize for LimitRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, amount)| {
            let row = id.row();
            let value = match row.unit {
                Unit::Bytes => Value::from(show_bytes(*amount)),
                #[expect(clippy::cast_precision_loss, reason = "milliseconds below 2^53")]
                Unit::Time => Value::from(*amount as f64 / 1000.0),
                Unit::Fuel | Unit::Count => Value::from(*amount),
            };
            (row.name, value)
        }))
    }
}

impl JsonSchema for LimitRequest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: serde_json::Map<String, Value> = LIMITS
            .iter()
            .filter(|row| !row.id.is_of_loading())
            .map(|row| {
                let text = format!("{} Default {}, at most {}.", row.why, row.show(row.default), row.show(row.ceiling));
                let schema = match row.unit {
                    Unit::Bytes => serde_json::json!({"type": ["integer", "string"], "description": text}),
                    Unit::Time => serde_json::json!({"type": "number", "exclusiveMinimum": 0, "description": text}),
                    Unit::Fuel | Unit::Count => serde_json::json!({"type": "integer", "minimum": 1, "description": text}),
                };
                (row.name.to_owned(), schema)
            })
            .collect();
        json_schema!({
            "type": "object",
            "description": "Limits of each call; what is left out has its default.",
            "properties": properties,
            "additionalProperties": false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enum_and_the_table_agree() {
        for row in LIMITS {
            assert_eq!(row.id.name(), row.name);
            assert!(
                row.default > 0 && row.default <= row.ceiling,
                "{}",
                row.name
            );
            assert!(row.why.ends_with('.'), "{}", row.name);
        }
    }

    #[test]
    fn what_is_asked_counts_up_to_the_ceiling_of_table_and_policy() {
        let asked: LimitRequest =
            serde_json::from_str(r#"{"memory": "128MiB", "timeout_s": 0.5}"#).unwrap();
        let limits = Limits::standard().with(&asked, None).unwrap();
        assert_eq!((limits.memory, limits.timeout_s), (128 << 20, 500));
        let policy = LimitRequest::default().and(LimitId::Memory, 32 << 20);
        let error = Limits::standard().with(&asked, Some(&policy)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "limit `memory` is asked as 128MiB, but at most 32MiB is allowed by the operator's policy"
        );
        let unasked = Limits::standard()
            .with(&LimitRequest::default(), Some(&policy))
            .unwrap();
        assert_eq!(unasked.memory, 32 << 20);
    }

    #[test]
    fn limits_of_loading_are_the_operators_alone() {
        for row in LIMITS.iter().filter(|row| row.id.is_of_loading()) {
            let text = format!("{{\"{}\": 1}}", row.name);
            let error = serde_json::from_str::<LimitRequest>(&text).unwrap_err();
            assert!(error.to_string().contains("policy.toml"), "{error}");
            let mut reader = serde_json::Deserializer::from_str(&text);
            let policy = LimitRequest::every_row(&mut reader).unwrap();
            let amount = policy.get(row.id).unwrap();
            assert_eq!(Limits::of_loading(&policy).get(row.id), amount);
        }
        let policy = LimitRequest::default()
            .and(LimitId::ComponentBytes, 128 << 20)
            .and(LimitId::CompileTime, u64::MAX)
            .and(LimitId::Memory, u64::MAX)
            .and(LimitId::Fuel, 5);
        let limits = Limits::of_loading(&policy);
        let ceiling = LimitId::CompileTime.row().ceiling;
        assert_eq!((limits.component, limits.compile_s), (128 << 20, ceiling));
        assert_eq!((limits.memory, limits.fuel), (64 << 20, 5));
    }

    #[test]
    fn a_limit_that_does_not_exist_or_has_no_sense_is_refused() {
        for text in [
            r#"{"cpu": 1}"#,
            r#"{"fuel": 0}"#,
            r#"{"fuel": -1}"#,
            r#"{"memory": "lots"}"#,
            r#"{"timeout_s": "1"}"#,
        ] {
            assert!(
                serde_json::from_str::<LimitRequest>(text).is_err(),
                "{text}"
            );
        }
    }
}
