//! What a shell can do: run a value that reaches it as part of a command, and read and write without the tools that a
//! rule is about.

use super::{Checker, show};
use crate::{
    codes::Code,
    location::Step,
    model::{SafetyAction, SafetyRule, Stage},
    path,
    template::unquoted,
};

/// The tool that runs a command.
const SHELL: &str = "shell";

/// Tools whose work a command can do without calling them.
const FILES: &[&str] = &["file_read", "file_write"];

pub(super) fn check(checker: &mut Checker<'_>) {
    for (name, adapter) in &checker.spec.adapters {
        let runs = adapter.adapter_type.runs_in_a_shell();
        if let Some(cmd) = adapter.cmd.as_deref().filter(|_| runs) {
            command(checker, None, path!["adapters", name, "cmd"], cmd);
        }
    }
    for (index, stage) in checker.spec.stages.iter().enumerate() {
        let call = stage.tool_call.as_ref().filter(|call| call.name == SHELL);
        let cmd = call.and_then(|call| call.args.get("cmd")?.as_str());
        if let Some(cmd) = cmd {
            let at = path!["stages", index, "tool_call", "args", "cmd"];
            command(checker, Some(index), at, cmd);
        }
    }
}

/// Rules about files, where commands read and write them.
pub(super) fn rules(checker: &mut Checker<'_>) {
    let spec = checker.spec;
    let is_script = |name: &String| {
        let adapter = spec.adapters.get(name);
        adapter.is_some_and(|adapter| adapter.adapter_type.runs_in_a_shell())
    };
    let runs_commands = |stage: &Stage| {
        stage.adapter.as_ref().is_some_and(is_script)
            || stage
                .tool_call
                .as_ref()
                .is_some_and(|call| call.name == SHELL)
            || stage
                .role
                .as_ref()
                .is_some_and(|role| role.tools.iter().any(|tool| tool == SHELL))
    };
    let Some(stage) = spec.stages.iter().find(|stage| runs_commands(stage)) else {
        return;
    };
    for (index, rule) in spec.safety_rules.iter().enumerate() {
        let allows = matches!(rule, SafetyRule::Dsl(rule) if rule.action == SafetyAction::Allow);
        if allows || !FILES.contains(&rule.tool()) {
            continue;
        }
        let message = format!(
            "a rule on {} does not see what the commands of stage {} read and write",
            show(rule.tool()),
            show(&stage.id)
        );
        let hint = format!(
            "take the right away instead: `grants: {{ fs: {{ read: [.] }} }}` at stage `{}`, or a rule on `{SHELL}`",
            stage.id.escape_debug()
        );
        checker.section(
            Code::RuleBlindToShell,
            path!["safety_rules", index],
            message,
            Some(hint),
        );
    }
}

fn command(checker: &mut Checker<'_>, stage: Option<usize>, at: &[Step<'_>], cmd: &str) {
    let found = unquoted(cmd);
    let Some(first) = found.first() else { return };
    let shown: Vec<String> = found.iter().map(|value| show(value)).collect();
    let message = format!(
        "{} reaches the shell as it is: a `;` or `$(…)` in it would be run",
        shown.join(", ")
    );
    let hint = format!("write `{{{{ {first} | sh }}}}`, without quotes around it");
    checker.at(Code::UnquotedShellValue, stage, at, message, Some(hint));
}
