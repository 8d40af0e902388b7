//! The list of runs: one row each, kept by the writer from the events that begin and end a run.
//!
//! It can be thrown away and made again from the log; nothing decides by it what a run may do. A file of the original has
//! no log, so its runs are listed from its traces when the file is first opened.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use serde::{Deserialize, Serialize};

use crate::{Event, RunId, Store, StoreError, trace::RUN_ID_IS_VALID};

/// How many runs a query returns when it does not say.
const DEFAULT_LIMIT: usize = 100;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Begun, and no end in its log: it is running, or its process died.
    Running,
    /// Ended well.
    Completed,
    /// Ended in an error.
    Failed,
    /// Waits for a person.
    Parked,
    /// Stopped by whoever started it.
    Cancelled,
}

impl RunStatus {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Parked,
        Self::Cancelled,
    ];

    /// Its word, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }

    /// What an event makes of a run; none if it leaves it as it is.
    pub fn after(event: &Event) -> Option<Self> {
        match event {
            Event::RunStarted(_) | Event::RunResumed { .. } => Some(Self::Running),
            Event::RunCompleted { .. } => Some(Self::Completed),
            Event::RunFailed { .. } => Some(Self::Failed),
            Event::RunParked { .. } => Some(Self::Parked),
            Event::RunCancelled { .. } => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub run_id: RunId,
    /// Name of the workflow.
    pub workflow: String,
    /// How far it is.
    pub status: RunStatus,
    /// When it began: ISO-8601, UTC.
    pub started: String,
    /// When it ended or was parked.
    pub ended: Option<String>,
    /// Digest of the spec; empty for a run of the original.
    pub spec_digest: String,
    /// Digest of the inputs; empty for a run of the original.
    pub inputs_digest: String,
    /// The run that started it as a subagent.
    pub parent: Option<RunId>,
}

/// Which runs to list, newest first. Empty fields do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Of this workflow.
    pub workflow: Option<String>,
    /// In this state.
    pub status: Option<RunStatus>,
    /// Of exactly this spec and these inputs: what `checkpoint: true` looks for.
    pub digests: Option<(String, String)>,
    /// Of the spec in this file, from the root of the file system: its name may be another one in each run.
    pub spec_path: Option<String>,
    /// Only runs that no other run started.
    pub top: bool,
    /// At most so many; 100 if not said.
    pub limit: Option<usize>,
}

const COLUMNS: &str =
    "run_id, workflow, status, started, ended, spec_digest, inputs_digest, parent";

/// What the writer has to change in the list, taken from an event before it is queued.
#[derive(Debug)]
pub(crate) enum Change {
    Started {
        workflow: String,
        spec_digest: String,
        inputs_digest: String,
        parent: Option<RunId>,
    },
    Status(RunStatus),
}

impl Change {
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::RunStarted(start) => Some(Self::Started {
                workflow: start.workflow.clone(),
                spec_digest: start.spec_digest.clone(),
                inputs_digest: start.inputs_digest.clone(),
                parent: start.parent.clone(),
            }),
            _ => RunStatus::after(event).map(Self::Status),
        }
    }

    pub(crate) fn apply(
        &self,
        connection: &Connection,
        run: &RunId,
        now: &str,
    ) -> rusqlite::Result<()> {
        match self {
            Self::Started { workflow, spec_digest, inputs_digest, parent } => connection
                .prepare_cached(
                    "INSERT INTO runs (run_id, workflow, status, started, spec_digest, inputs_digest, parent)
                     VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6)
                     ON CONFLICT (run_id) DO UPDATE SET workflow = ?2, status = 'running', ended = NULL,
                       spec_digest = ?4, inputs_digest = ?5, parent = ?6",
                )?
                .execute(params![
                    run.as_str(),
                    workflow,
                    now,
                    spec_digest,
                    inputs_digest,
                    parent.as_ref().map(RunId::as_str)
                ]),
            Self::Status(status) => {
                let ended = (*status != RunStatus::Running).then_some(now);
                connection
                    .prepare_cached("UPDATE runs SET status = ?2, ended = ?3 WHERE run_id = ?1")?
                    .execute(params![run.as_str(), status.as_str(), ended])
            }
        }
        .map(drop)
    }
}

impl Store {
    /// Lists runs, newest first.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, StoreError> {
        self.read("list runs", |connection| query_rows(connection, query))
    }

    /// One run.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn run(&self, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
        self.read("read a run", |connection| one(connection, run))
    }

    /// The runs whose id begins like this, at most `limit` of them: what a person means who types the first digits.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn runs_by_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        self.read("look a run up", |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM runs WHERE run_id >= ?1 AND substr(run_id, 1, length(?1)) = ?1
                 ORDER BY run_id LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![prefix, limit], read)?;
            rows.filter_map(Result::transpose).collect()
        })
    }

    /// The run of a workflow that began last, whatever became of it.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn last_run(&self, workflow: &str) -> Result<Option<RunRecord>, StoreError> {
        let query = RunQuery {
            workflow: Some(workflow.to_owned()),
            limit: Some(1),
            ..RunQuery::default()
        };
        Ok(self.runs(&query)?.pop())
    }

    /// Removes a run that has ended: its events, its traces and what plugins kept for it. A run that is running is left.
    ///
    /// # Errors
    /// SQLite's reason.
    pub fn forget_run(&self, run: &RunId) -> Result<bool, StoreError> {
        let run = run.clone();
        self.change(move |connection| {
            let ended = "DELETE FROM runs WHERE run_id = ? AND status NOT IN ('running', 'parked')";
            if connection.execute(ended, [run.as_str()])? == 0 {
                return Ok(false);
            }
            for table in [
                "DELETE FROM events WHERE run_id = ?",
                "DELETE FROM traces WHERE run_id = ?",
                "DELETE FROM kv WHERE scope = ?",
            ] {
                connection.execute(table, [run.as_str()])?;
            }
            Ok(true)
        })
    }
}

/// Lists the runs of a file that has traces and no log.
pub(crate) fn adopt_traces(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "INSERT OR IGNORE INTO runs (run_id, workflow, status, started, ended, spec_digest, inputs_digest)
         SELECT run_id, min(workflow_name), CASE WHEN min(success) = 0 THEN 'failed' ELSE 'completed' END,
                min(timestamp), max(timestamp), '', ''
         FROM traces WHERE {RUN_ID_IS_VALID} GROUP BY run_id;",
    ))
}

/// A row, or none if a foreign tool wrote words that are not ours.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<RunRecord>> {
    let (run_id, status): (String, String) = (row.get(0)?, row.get(2)?);
    let status = RunStatus::ALL
        .into_iter()
        .find(|known| known.as_str() == status);
    let (Ok(run_id), Some(status)) = (RunId::new(run_id), status) else {
        return Ok(None);
    };
    Ok(Some(RunRecord {
        run_id,
        workflow: row.get(1)?,
        status,
        started: row.get(3)?,
        ended: row.get(4)?,
        spec_digest: row.get(5)?,
        inputs_digest: row.get(6)?,
        parent: row
            .get::<_, Option<String>>(7)?
            .and_then(|text| RunId::new(text).ok()),
    }))
}

fn query_rows(connection: &Connection, query: &RunQuery) -> rusqlite::Result<Vec<RunRecord>> {
    let mut sql = format!("SELECT {COLUMNS} FROM runs WHERE 1=1");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    if let Some(workflow) = &query.workflow {
        sql.push_str(" AND workflow = ?");
        values.push(workflow);
    }
    let status = query.status.map(RunStatus::as_str);
    if let Some(status) = &status {
        sql.push_str(" AND status = ?");
        values.push(status);
    }
    if let Some((spec, inputs)) = &query.digests {
        sql.push_str(" AND spec_digest = ? AND inputs_digest = ?");
        values.push(spec);
        values.push(inputs);
    }
    if let Some(path) = &query.spec_path {
        // The first event says where the spec was. A foreign tool may have written what is no JSON.
        sql.push_str(
            " AND EXISTS (SELECT 1 FROM events WHERE events.run_id = runs.run_id AND events.seq = 1
                AND CASE WHEN json_valid(event) THEN json_extract(event, '$.data.spec_path') END = ?)",
        );
        values.push(path);
    }
    if query.top {
        sql.push_str(" AND parent IS NULL");
    }
    let limit = i64::try_from(query.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(-1);
    sql.push_str(" ORDER BY started DESC, run_id LIMIT ?");
    values.push(&limit);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(values.as_slice(), read)?;
    rows.filter_map(Result::transpose).collect()
}

fn one(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<RunRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE run_id = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    statement
        .query_row([run.as_str()], read)
        .optional()
        .map(Option::flatten)
}
