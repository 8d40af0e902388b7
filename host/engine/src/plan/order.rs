//! Who waits for whom.
//!
//! Beside `depends_on` there is what templates say: a stage that mentions another stage's result needs it. The
//! original runs stages in waves, so a spec could mention any stage of an earlier wave and find it done. Here such a
//! stage waits for what it mentions, and the author is told to write it down. What could not have been done there is
//! not seen here either.

use std::collections::HashMap;

use armature_spec::{Step, path};

use super::problem::{PlanCode, Reporter};
use crate::{
    context::{Ancestors, Names},
    schedule::{Cycle, Graph},
};

/// The order of the stages before `post_run`, and who depends on whom.
pub(crate) fn order(
    ids: &[String],
    index: &HashMap<String, usize>,
    mut needs: Vec<Vec<usize>>,
    mentions: &[Names],
    places: &[usize],
    report: &mut Reporter<'_>,
) -> Result<(Graph, Ancestors), Cycle> {
    let written = Graph::new(needs.clone())?;
    let ancestors = Ancestors::of(&written);
    let depth = depths(&written);
    let mut changed = false;
    for (stage, names) in mentions.iter().enumerate() {
        for other in names.iter().filter_map(|name| index.get(name).copied()) {
            if other == stage || other >= needs.len() || ancestors.has(stage, other) {
                continue;
            }
            let (Some(id), Some(other_id), Some(place)) =
                (ids.get(stage), ids.get(other), places.get(stage))
            else {
                continue;
            };
            let at = [Step::Key("stages"), Step::Index(*place)];
            if depth.get(other) < depth.get(stage) {
                if let Some(list) = needs.get_mut(stage) {
                    list.push(other);
                }
                changed = true;
                report
                    .add(
                        PlanCode::ImplicitDependency,
                        &at,
                        format!("`{id}` uses `{other_id}` and waits for it"),
                    )
                    .hint(format!("add `{other_id}` to its `depends_on`"));
            } else {
                report
                    .add(
                        PlanCode::UnseenStage,
                        &at,
                        format!("`{other_id}` is not done when `{id}` starts: it sees nothing"),
                    )
                    .hint(format!("add `{other_id}` to its `depends_on`"));
            }
        }
    }
    if !changed {
        return Ok((written, ancestors));
    }
    // Every added edge leads from a smaller depth to a larger one, as all written edges do: there is no cycle.
    let graph = Graph::new(needs)?;
    let ancestors = Ancestors::of(&graph);
    Ok((graph, ancestors))
}

/// The longest way from a stage without dependencies.
fn depths(graph: &Graph) -> Vec<usize> {
    let mut depths = vec![0usize; graph.len()];
    for node in graph.order() {
        let depth = graph
            .needs(*node)
            .iter()
            .filter_map(|need| depths.get(*need))
            .max()
            .map_or(0, |d| d + 1);
        if let Some(slot) = depths.get_mut(*node) {
            *slot = depth;
        }
    }
    depths
}

/// The problem of stages that wait for one another, should validation have let them through.
pub(crate) fn report_cycle(ids: &[String], cycle: &Cycle, report: &mut Reporter<'_>) {
    let names: Vec<&str> = cycle
        .0
        .iter()
        .filter_map(|stage| ids.get(*stage))
        .map(String::as_str)
        .collect();
    let message = format!("these stages wait for one another: {}", names.join(", "));
    report
        .add(PlanCode::CircularUse, path!["stages"], message)
        .hint("take one of them out of `depends_on`, or out of the other's templates");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_that_wait_for_one_another_are_named_should_validation_let_them_through() {
        let text = "name: x\nstages:\n- {id: a, gate: human}\n- {id: b, gate: human}\n- {id: c, gate: human}\n";
        let document = armature_spec::parse("s.yml", text).unwrap();
        let ids = ["a", "b", "c"].map(str::to_owned);
        let index = ids.iter().cloned().zip(0..).collect();
        let mentions = vec![Names::default(); 3];
        let mut report = Reporter::new(&document);
        let mut ordered = |needs: [Vec<usize>; 3]| {
            order(
                &ids,
                &index,
                needs.into(),
                &mentions,
                &[0, 1, 2],
                &mut report,
            )
        };
        assert!(ordered([vec![], vec![0], vec![1]]).is_ok());
        let cycle = ordered([vec![], vec![2], vec![1]]).unwrap_err();
        report_cycle(&ids, &cycle, &mut report);
        let finding = report.found.last().unwrap();
        assert_eq!(finding.code, PlanCode::CircularUse);
        assert_eq!(finding.severity, PlanCode::CircularUse.severity());
        assert!(finding.message.ends_with(": b, c"), "{finding}");
        assert!(finding.hint.is_some() && finding.at.is_some_and(|at| at.line == 3));
    }
}
