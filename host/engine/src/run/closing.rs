//! `closure`: the words of one stage about how the workflow ended, for whoever decides what comes next.

use armature_spec::Closure;
use serde_json::Value;

use super::Run;

/// What the stage that closes the workflow said, if it kept to its form.
pub(super) fn closure(run: &Run) -> Option<Value> {
    let closing = run.plan.document().spec.closure.as_ref()?;
    let number = run.plan.0.index.get(&closing.stage).copied()?;
    let said = run.board.get(number)?.as_object()?;
    let reason = said.get("reason")?.as_str()?;
    if !Closure::REASONS.contains(&reason) {
        return None;
    }
    let record = said
        .iter()
        .filter(|(key, _)| matches!(key.as_str(), "reason" | "notes" | "follow_on"));
    let record = record.map(|(key, value)| (key.clone(), value.clone()));
    Some(Value::Object(record.collect()))
}
