//! Values that reach a shell as part of a command: whoever chooses the value chooses what is run.

use super::{Checker, show};
use crate::{codes::Code, location::Step, model::AdapterType, path, template::unquoted};

/// The tool that runs a command.
const SHELL: &str = "shell";

pub(super) fn check(checker: &mut Checker<'_>) {
    for (name, adapter) in &checker.spec.adapters {
        let runs_in_a_shell = matches!(
            adapter.adapter_type,
            AdapterType::Script | AdapterType::Other(_)
        );
        if let Some(cmd) = adapter.cmd.as_deref().filter(|_| runs_in_a_shell) {
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
