//! Agents: from `agent: NAME` to the role, the skills and the rules in that agent's file.
//!
//! What is read is put into the spec as if its author had written it there, so that everything behind sees one form.
//! Rules come along for the whole workflow and only tighten it: they are asked before the spec's own, and an `allow`
//! among them is dropped. The files lie in the spec's directory, links followed.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use armature_spec::{
    AgentBundle, Document, Finding, SafetyAction, SafetyRule, SkillText, Step, parse_agent, path,
};

use super::problem::{PlanCode, Reporter};
use crate::files;

/// The agents of a spec, read.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    /// The agent of a stage, by the stage's place in the spec: name and version.
    pub(crate) of_stage: HashMap<usize, (String, String)>,
    /// Rules that come with them, each with its label.
    pub(crate) rules: Vec<(String, SafetyRule)>,
    /// Their files.
    pub(crate) files: Vec<PathBuf>,
    /// The texts of those.
    pub(crate) read: Vec<String>,
    notes: Vec<Note>,
    found: Vec<Finding>,
}

/// Something to report once there is a reporter.
#[derive(Debug)]
struct Note {
    code: PlanCode,
    agent: String,
    message: String,
}

impl Agents {
    /// Reads the agents that stages have, and puts them into the spec.
    pub(crate) fn resolve(document: &mut Document) -> Self {
        let mut agents = Self::default();
        let mut bundles: BTreeMap<String, Option<AgentBundle>> = BTreeMap::new();
        let spec = &mut document.spec;
        for place in 0..spec.stages.len() {
            let Some(stage) = spec.stages.get_mut(place).filter(|s| s.role.is_none()) else {
                continue;
            };
            let Some(name) = stage.agent.clone() else {
                continue;
            };
            // An agent that is not there has been reported by the spec's own validation.
            let Some(entry) = spec.agent_library.get(&name) else {
                continue;
            };
            let bundle = bundles
                .entry(name.clone())
                .or_insert_with(|| agents.read(&document.source.name, &name, &entry.path));
            let Some(bundle) = bundle else { continue };
            let mut role = bundle.role.clone();
            if role.name.is_empty() {
                role.name.clone_from(&name);
            }
            let version = entry.version.clone().or_else(|| bundle.version.clone());
            stage.role = Some(role);
            stage.agent = None;
            agents
                .of_stage
                .insert(place, (name, version.unwrap_or_default()));
        }
        for (name, bundle) in bundles {
            let Some(bundle) = bundle else { continue };
            for (id, skill) in bundle.skill_library {
                if spec.skill_library.contains_key(&id) {
                    agents.note(
                        PlanCode::AgentSkillShadowed,
                        &name,
                        format!("agent `{name}` brings a skill `{id}`, and the spec's own wins"),
                    );
                } else {
                    spec.skill_library.insert(id, skill);
                }
            }
            for (number, rule) in bundle.safety_rules.into_iter().enumerate() {
                if !matches!(&rule, SafetyRule::Dsl(rule) if rule.action == SafetyAction::Allow) {
                    let label = format!("agent {name}: safety_rules[{number}]");
                    agents.rules.push((label, rule));
                }
            }
        }
        agents
    }

    fn note(&mut self, code: PlanCode, agent: &str, message: String) {
        self.notes.push(Note {
            code,
            agent: agent.to_owned(),
            message,
        });
    }

    fn read(&mut self, spec: &str, name: &str, path: &str) -> Option<AgentBundle> {
        let file = match files::inside(spec, path) {
            Ok(file) => file,
            Err(error) => {
                self.note(
                    PlanCode::UnreadableAgent,
                    name,
                    format!("agent `{name}`: {error}"),
                );
                return None;
            }
        };
        let text = match files::text(&file) {
            Ok(text) => text,
            Err(error) => {
                self.note(
                    PlanCode::UnreadableAgent,
                    name,
                    format!("agent `{name}`: {error}"),
                );
                return None;
            }
        };
        let shown = file.display().to_string();
        let parsed = parse_agent(&shown, &text);
        self.read.push(text);
        self.files.push(file);
        match parsed {
            Ok((mut bundle, warnings)) => {
                self.found.extend(warnings);
                for skill in bundle.skill_library.values_mut() {
                    self.place_skill(&shown, name, skill);
                }
                Some(bundle)
            }
            Err(findings) => {
                self.found.extend(findings.0);
                None
            }
        }
    }

    /// A skill's file lies beside the agent's, not beside the spec.
    fn place_skill(&mut self, agent_file: &str, name: &str, skill: &mut armature_spec::Skill) {
        let SkillText::Path(path) = &mut skill.text else {
            return;
        };
        match files::inside(agent_file, path) {
            Ok(file) => *path = file.display().to_string(),
            Err(error) => {
                let message = format!("agent `{name}`, skill `{}`: {error}", skill.id);
                self.note(PlanCode::UnreadableAgent, name, message);
            }
        }
    }

    /// Reports what was wrong with them.
    pub(crate) fn report(&mut self, report: &mut Reporter<'_>) {
        report.found.append(&mut self.found);
        for note in self.notes.drain(..) {
            let at: &[Step<'_>] = path!["agent_library", note.agent.as_str(), "path"];
            let added = report.add(note.code, at, note.message);
            if note.code == PlanCode::UnreadableAgent {
                added.hint(
                    "an agent's file has `role`, and may have `skill_library` and `safety_rules`",
                );
            }
        }
    }
}
