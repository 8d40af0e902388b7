//! The gates of a plan and of the plans below it, by the names under which they are answered.

use std::path::PathBuf;

use super::{Plan, stage::Kind};

impl Plan {
    /// The stages that ask a person, each by the way to it: `review`, `child/inner`. A spec that is its own subagent is
    /// followed once.
    pub fn gates(&self) -> Vec<String> {
        let mut gates = Vec::new();
        self.gather_gates(self, "", &mut Vec::new(), &mut gates);
        gates
    }

    fn gather_gates(
        &self,
        root: &Self,
        way: &str,
        above: &mut Vec<PathBuf>,
        gates: &mut Vec<String>,
    ) {
        for stage in &self.0.stages {
            let name = format!("{way}{}", stage.id);
            match &stage.kind {
                Kind::Gate(_) => gates.push(name),
                Kind::Subagent(child) if !above.contains(&child.path) => {
                    let Some(plan) = root.0.children.get(&child.path) else {
                        continue;
                    };
                    above.push(child.path.clone());
                    plan.gather_gates(root, &format!("{name}/"), above, gates);
                    above.pop();
                }
                Kind::Subagent(_) | Kind::ToolCall(_) | Kind::Adapter(_) | Kind::Role(_) => {}
            }
        }
    }
}
