//! Trace rows: one for each stage, model request and tool call, in the table that the original began.
//!
//! The first 24 columns are the original's, same names, same order; ours follow. Reading is lenient, since a file may
//! come from the original or from a later version of it: a missing value is the column's default, a row whose run id
//! could not be a directory name is left out. Writing never fails a stage; see [`crate::Store::trace`].

use std::sync::LazyLock;

use rusqlite::{Connection, Row, ToSql, params_from_iter, types::Value as Sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{
    RunId, Store, StoreError,
    cell::Cell,
    schema::{add_missing, columns},
    writer::{Level, Work, timestamp},
};

/// How many rows a query returns when it does not say.
const DEFAULT_LIMIT: usize = 100;

/// The grammar of [`RunId`], in SQL: so that a row of another tool that breaks it does not use up a limit.
pub(crate) const RUN_ID_IS_VALID: &str =
    "(run_id GLOB '[A-Za-z0-9]*' AND run_id NOT GLOB '*[^A-Za-z0-9_-]*' AND length(run_id) <= 64)";

macro_rules! trace_row {
    ($($(#[$doc:meta])* $field:ident: $type:ty => $column:literal $declared:literal;)*) => {
        /// One row of the `traces` table.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct TraceRow {
            /// The run. Read rows always have one; a row without is not written.
            pub run_id: Option<RunId>,
            $($(#[$doc])* pub $field: $type,)*
        }

        /// Column and declaration, in the order of a table made here; `run_id` stands before them.
        const COLUMNS: &[(&str, &str)] = &[$(($column, $declared)),*];

        impl TraceRow {
            fn cells(&self) -> [Sql; COLUMNS.len()] {
                [$(self.$field.to_cell()),*]
            }

            fn read(run_id: RunId, row: &Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self {
                    run_id: Some(run_id),
                    $($field: <$type>::from_cell(row.get_ref($column)?).unwrap_or_default(),)*
                })
            }
        }
    };
}

trace_row! {
    /// Name of the workflow.
    workflow_name: String => "workflow_name" "TEXT NOT NULL";
    /// The stage.
    stage_id: String => "stage_id" "TEXT NOT NULL";
    /// Type of its role, or kind of the stage.
    role_type: String => "role_type" "TEXT NOT NULL";
    /// The model that answered; empty where none did.
    model: String => "model" "TEXT NOT NULL";
    /// Tokens of the requests.
    input_tokens: u64 => "input_tokens" "INTEGER DEFAULT 0";
    /// Tokens of the replies.
    output_tokens: u64 => "output_tokens" "INTEGER DEFAULT 0";
    /// Wall time in milliseconds.
    latency_ms: f64 => "latency_ms" "REAL DEFAULT 0.0";
    /// Whether it succeeded.
    success: bool => "success" "INTEGER NOT NULL DEFAULT 1";
    /// Whether the output kept to its schema.
    output_valid: bool => "output_valid" "INTEGER NOT NULL DEFAULT 1";
    /// A judge's score.
    quorum_score: Option<f64> => "quorum_score" "REAL";
    /// When: ISO-8601, UTC. Left empty, it is the time of the call to [`crate::Store::trace`].
    timestamp: String => "timestamp" "TEXT NOT NULL";
    /// The inputs, scrubbed.
    inputs: Map<String, Value> => "inputs_json" "TEXT DEFAULT '{}'";
    /// The outputs, scrubbed.
    outputs: Map<String, Value> => "outputs_json" "TEXT DEFAULT '{}'";
    /// Class of the error.
    error_type: Option<String> => "error_type" "TEXT";
    /// How often a larger model was asked.
    escalation_count: u64 => "escalation_count" "INTEGER DEFAULT 0";
    /// Digest of the spec.
    spec_version: String => "spec_version" "TEXT DEFAULT ''";
    /// Digest of the inputs.
    inputs_hash: String => "inputs_hash" "TEXT DEFAULT ''";
    /// Digest of the safety rules.
    policy_version: String => "policy_version" "TEXT DEFAULT ''";
    /// Where each input came from.
    inputs_provenance: Map<String, Value> => "inputs_provenance_json" "TEXT DEFAULT '{}'";
    /// Tools the stage may call.
    tools_declared: Vec<String> => "tools_declared_json" "TEXT DEFAULT '[]'";
    /// Tools it called.
    tools_called: Vec<String> => "tools_called_json" "TEXT DEFAULT '[]'";
    /// Digest of the container image, for the Docker backend.
    sandbox_image_digest: Option<String> => "sandbox_image_digest" "TEXT";
    /// Kind of an error that concerns the account: `provider_auth`, `provider_credits`.
    error_kind: Option<String> => "error_kind" "TEXT";
    /// Text of the error, scrubbed.
    error_message: Option<String> => "error_message" "TEXT";
    /// Kind of the row: `llm`, `script`, `gate`, `tool_call`, `subagent`, or `tool` for a call within a stage.
    kind: String => "kind" "TEXT DEFAULT ''";
    /// Item of a fan-out.
    item: Option<u64> => "item" "INTEGER";
    /// Which attempt, from 1.
    attempt: u64 => "attempt" "INTEGER DEFAULT 1";
    /// Who called the tool.
    caller: String => "caller" "TEXT DEFAULT ''";
    /// The plugin.
    plugin: Option<String> => "plugin" "TEXT";
    /// Its digest.
    plugin_digest: Option<String> => "plugin_digest" "TEXT";
    /// The tool.
    tool: Option<String> => "tool" "TEXT";
    /// Name of the call, as in the event log.
    call_id: Option<String> => "call_id" "TEXT";
    /// Instructions used.
    fuel: Option<u64> => "fuel" "INTEGER";
    /// Most bytes of memory at once.
    memory_peak: Option<u64> => "memory_peak" "INTEGER";
    /// Calls into the host.
    host_calls: Option<u64> => "host_calls" "INTEGER";
    /// Bytes given to it.
    bytes_in: Option<u64> => "bytes_in" "INTEGER";
    /// Bytes it gave.
    bytes_out: Option<u64> => "bytes_out" "INTEGER";
    /// How often a right was refused.
    denials: u64 => "denials" "INTEGER DEFAULT 0";
    /// What it cost.
    cost_usd: Option<f64> => "cost_usd" "REAL";
    /// Whether the reply came from the response cache.
    cached: bool => "cached" "INTEGER DEFAULT 0";
    /// The agent of `agent_library` that the stage is.
    agent_id: Option<String> => "agent_id" "TEXT";
    /// Its version, if one is written.
    agent_version: Option<String> => "agent_version" "TEXT";
    /// The pass of the stage's loop, from 1.
    loop_iteration: Option<u64> => "loop_iteration" "INTEGER";
    /// What the stage's prompt had to say (`must`) and what the stage never saw (`never`).
    context_policy: Map<String, Value> => "context_policy_json" "TEXT DEFAULT '{}'";
    /// Digest of the form that the answer had to have: what may be an example for what.
    schema_hash: String => "schema_hash" "TEXT DEFAULT ''";
    /// Of the tokens of the requests, those that the provider had kept.
    cached_input_tokens: u64 => "cached_input_tokens" "INTEGER DEFAULT 0";
    /// Of the tokens of the replies, those of hidden reasoning.
    reasoning_tokens: u64 => "reasoning_tokens" "INTEGER DEFAULT 0";
}

impl TraceRow {
    /// How many bytes it holds, roughly: what is large in it, not what every row has.
    pub(crate) fn bytes(&self) -> usize {
        let maps = [&self.inputs, &self.outputs, &self.inputs_provenance];
        let error = self.error_message.as_ref().map_or(0, String::len);
        maps.into_iter().flatten().fold(error, |sum, (key, value)| {
            sum.saturating_add(key.len()).saturating_add(size(value))
        })
    }
}

/// Bytes of a value, roughly.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum::<usize>() + size_of_val(&**items),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| key.len() + size(item) + size_of::<Value>())
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Which rows to read. Empty fields do not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TraceQuery {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Of this run. Rows come oldest first then, otherwise newest first.
    pub run: Option<RunId>,
    /// Of this stage.
    pub stage: Option<String>,
    /// With at least this score.
    pub min_score: Option<f64>,
    /// At most so many; 100 if not said, all for a run.
    pub limit: Option<usize>,
}

impl TraceQuery {
    /// The newest rows of a workflow.
    pub fn workflow(name: impl Into<String>) -> Self {
        Self {
            workflow: Some(name.into()),
            ..Self::default()
        }
    }

    /// All rows of a run, oldest first.
    pub fn run(run: &RunId) -> Self {
        Self {
            run: Some(run.clone()),
            ..Self::default()
        }
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let names: String = COLUMNS.iter().flat_map(|(name, _)| [", ", name]).collect();
    let marks = ", ?".repeat(COLUMNS.len());
    format!("INSERT INTO traces (run_id{names}) VALUES (?{marks})")
});

static SELECT: LazyLock<String> = LazyLock::new(|| {
    let names: String = COLUMNS.iter().flat_map(|(name, _)| [", ", name]).collect();
    format!("SELECT run_id{names} FROM traces WHERE {RUN_ID_IS_VALID}")
});

impl Store {
    /// Records a trace row. Never fails and never waits: a row that cannot be written is counted in
    /// [`Store::write_errors`] and told once through `tracing`.
    pub fn trace(&self, row: &TraceRow) {
        let mut row = Box::new(row.clone());
        if row.timestamp.is_empty() {
            row.timestamp = timestamp(OffsetDateTime::now_utc());
        }
        // The queue is closed only while the last clone is dropped, which this one is not.
        let _ = self.send(Work::Trace(row), Level::Committed, None);
    }

    /// Reads trace rows.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn traces(&self, query: &TraceQuery) -> Result<Vec<TraceRow>, StoreError> {
        self.read("read traces", |connection| query_rows(connection, query))
    }

    /// The run of a workflow that traced last.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn latest_run_id(&self, workflow: &str) -> Result<Option<RunId>, StoreError> {
        self.read("read traces", |connection| latest_run(connection, workflow))
    }
}

/// Makes the table, or gives one made elsewhere the columns it lacks.
pub(crate) fn ensure_table(connection: &Connection) -> rusqlite::Result<()> {
    let declared: String = COLUMNS
        .iter()
        .flat_map(|(name, declared)| [", ", name, " ", declared])
        .collect();
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS traces (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL{declared});"
    ))?;
    let there = columns(connection, "traces")?;
    add_missing(connection, "traces", &there, COLUMNS)?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS traces_by_run ON traces (run_id);
         CREATE INDEX IF NOT EXISTS traces_by_workflow ON traces (workflow_name, timestamp);",
    )
}

pub(crate) fn insert(connection: &Connection, row: &TraceRow) -> rusqlite::Result<()> {
    let Some(run_id) = &row.run_id else {
        return Ok(());
    };
    let cells = std::iter::once(Sql::Text(run_id.to_string())).chain(row.cells());
    connection
        .prepare_cached(&INSERT)?
        .execute(params_from_iter(cells))
        .map(drop)
}

fn query_rows(connection: &Connection, query: &TraceQuery) -> rusqlite::Result<Vec<TraceRow>> {
    let mut sql = SELECT.clone();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    let run = query.run.as_ref().map(RunId::as_str);
    if let Some(run) = &run {
        sql.push_str(" AND run_id = ?");
        values.push(run);
    }
    if let Some(workflow) = &query.workflow {
        sql.push_str(" AND workflow_name = ?");
        values.push(workflow);
    }
    if let Some(stage) = &query.stage {
        sql.push_str(" AND stage_id = ?");
        values.push(stage);
    }
    if let Some(score) = &query.min_score {
        sql.push_str(" AND quorum_score >= ?");
        values.push(score);
    }
    sql.push_str(if run.is_some() {
        " ORDER BY id ASC"
    } else {
        " ORDER BY timestamp DESC, id DESC"
    });
    let limit = query.limit.or(run.is_none().then_some(DEFAULT_LIMIT));
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1));
    sql.push_str(" LIMIT ?");
    values.push(&limit);

    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(run_id) =
            String::from_cell(row.get_ref(0)?).and_then(|text| RunId::new(text).ok())
        {
            found.push(TraceRow::read(run_id, row)?);
        }
    }
    Ok(found)
}

fn latest_run(connection: &Connection, workflow: &str) -> rusqlite::Result<Option<RunId>> {
    let newest = TraceQuery {
        limit: Some(1),
        ..TraceQuery::workflow(workflow)
    };
    Ok(query_rows(connection, &newest)?
        .pop()
        .and_then(|row| row.run_id))
}
