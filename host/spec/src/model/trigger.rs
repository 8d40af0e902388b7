//! When a workflow starts by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What starts a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TriggerFields", into = "TriggerFields")]
pub enum Trigger {
    /// The clock.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week.
        schedule: String,
    },
    /// A request.
    Webhook {
        /// Its path, e.g. `/hooks/build`.
        path: String,
    },
}

/// What starts a run: `{type: cron, schedule}` or `{type: webhook, path}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Trigger")]
struct TriggerFields {
    /// The clock or a request.
    #[serde(rename = "type")]
    kind: TriggerType,
    /// For `cron`: minute, hour, day of month, month, day of week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    /// For `webhook`: the path, e.g. `/hooks/build`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// A kind of trigger.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TriggerType {
    /// The clock.
    Cron,
    /// A request.
    Webhook,
}

impl TryFrom<TriggerFields> for Trigger {
    type Error = &'static str;

    fn try_from(fields: TriggerFields) -> Result<Self, Self::Error> {
        match (fields.kind, fields.schedule, fields.path) {
            (TriggerType::Cron, Some(schedule), _) => Ok(Self::Cron { schedule }),
            (TriggerType::Cron, None, _) => Err("a trigger of type cron needs `schedule`"),
            (TriggerType::Webhook, _, Some(path)) => Ok(Self::Webhook { path }),
            (TriggerType::Webhook, _, None) => Err("a trigger of type webhook needs `path`"),
        }
    }
}

impl From<Trigger> for TriggerFields {
    fn from(trigger: Trigger) -> Self {
        match trigger {
            Trigger::Cron { schedule } => Self {
                kind: TriggerType::Cron,
                schedule: Some(schedule),
                path: None,
            },
            Trigger::Webhook { path } => Self {
                kind: TriggerType::Webhook,
                schedule: None,
                path: Some(path),
            },
        }
    }
}

impl JsonSchema for Trigger {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        TriggerFields::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        TriggerFields::json_schema(generator)
    }
}
