//! An account of a workflow, as people read it. Everything in it that a stranger wrote is made visible and has an end.

use super::{
    style::{self, bad, doubtful, faint, good},
    text,
};
use crate::account::{Account, Bounds, Input, Right, Rights, Step};

/// Characters of a description.
const MAX_DESCRIPTION: usize = 400;

/// Characters of a line about a stage.
const MAX_LINE: usize = 160;

/// Characters of a right.
const MAX_RIGHT: usize = 200;

/// Width of the column of names.
const MAX_WIDTH: usize = 32;

/// The lines of an account.
pub(crate) fn lines(account: &Account) -> Vec<String> {
    let mut lines = told(account);
    let all = armature_grants::RUN_LIMITS;
    let amount = |row: &armature_grants::RunLimit| text::thousands(row.amount);
    let width = all.iter().map(|row| amount(row).len()).max();
    let width = width.unwrap_or_default();
    lines.push(String::new());
    lines.push(format!(
        "{} {}",
        style::name("Limits"),
        faint("(of this run and all that it starts)")
    ));
    lines.extend(all.iter().map(|row| {
        format!(
            "  {:<17} {:>width$}  {}",
            row.name,
            amount(row),
            faint(row.why)
        )
    }));
    lines
}

fn told(account: &Account) -> Vec<String> {
    let mut lines = Vec::new();
    let name = style::name(&text::line(&account.workflow, 120));
    lines.push(format!("{name} {}", text::line(&account.version, 40)));
    if !account.description.trim().is_empty() {
        lines.push(text::line(&account.description, MAX_DESCRIPTION));
    }
    let mut section = |name: &str, about: &str, content: Vec<String>| {
        if !content.is_empty() {
            lines.push(String::new());
            lines.push(format!(
                "{} {}",
                style::name(name),
                faint(&format!("({about})"))
            ));
            lines.extend(content);
        }
    };
    section(
        "Inputs",
        "given with -i NAME=VALUE",
        account.inputs.iter().map(input).collect(),
    );
    section(
        "Stages",
        "those of one step run side by side; each starts as soon as those it waits for are done",
        stages(account),
    );
    section(
        "Models",
        "asked over the network, unless they are here",
        account
            .models
            .iter()
            .map(|model| {
                let at = model.at.as_ref();
                let at = at.map_or_else(String::new, |at| format!(" at {}", text::line(at, 80)));
                let name = text::line(&format!("{}/{}", model.provider, model.model), 80);
                format!("  {:<8} {name}{at}", text::line(&model.tier, MAX_WIDTH))
            })
            .collect(),
    );
    section(
        "Plugins",
        "what each asks for, and what it is given",
        account.plugins.iter().flat_map(rights).collect(),
    );
    section(
        "Commands",
        "of scripts and of the tool `shell`",
        account
            .commands
            .iter()
            .map(|place| format!("  {}", doubtful(&text::line(place, 300))))
            .collect(),
    );
    section(
        "Secrets",
        "the value goes there and nowhere else",
        account
            .secrets
            .iter()
            .map(|secret| {
                let to = match secret.to.as_slice() {
                    [] => doubtful("no host: it is not sent"),
                    to => text::line(&to.join(", "), 120),
                };
                let set = if secret.set { "set" } else { "not set here" };
                let by = text::line(&secret.by, 80);
                format!(
                    "  env.{} → {to} {}",
                    secret.name,
                    faint(&format!("({by}; {set})"))
                )
            })
            .collect(),
    );
    let mut rules: Vec<String> = account
        .rules
        .iter()
        .zip(1..)
        .map(|(rule, place)| format!("  {place}. {}", text::line(rule, MAX_LINE)))
        .collect();
    if account.strict {
        rules.push("  what no rule allows is blocked (safety_mode: strict)".to_owned());
    }
    section(
        "Safety rules",
        "asked before and after every call, in this order",
        rules,
    );
    section("Bounds", "a run never uses more", bounds(&account.bounds));
    for child in &account.children {
        lines.push(String::new());
        let spec = text::line(&child.spec, 120);
        lines.push(format!("{} {spec}", style::name("Runs within this run:")));
        lines.extend(told(child).into_iter().map(|line| {
            if line.is_empty() {
                line
            } else {
                format!("  {line}")
            }
        }));
    }
    lines
}

fn input(input: &Input) -> String {
    let mut about = match &input.default {
        Some(default) => format!("default {}", text::line(&default.to_string(), 80)),
        None if input.required => "required".to_owned(),
        None => "may be left out".to_owned(),
    };
    if let Some(kind) = &input.kind {
        about = format!("{}, {about}", text::line(kind, 40));
    }
    let name = text::line(&input.name, 80);
    let description = input.description.as_deref().unwrap_or_default();
    let description = text::line(description, MAX_DESCRIPTION);
    format!("  {name} {} {description}", faint(&format!("({about})")))
        .trim_end()
        .to_owned()
}

fn stages(account: &Account) -> Vec<String> {
    let ids = account.stages.iter().map(|step| step.id.chars().count());
    let width = ids.max().unwrap_or_default().min(MAX_WIDTH);
    let of = |id: &str| account.stages.iter().find(|step| step.id == id);
    let mut lines = Vec::new();
    for (place, level) in account.levels.iter().enumerate() {
        for (first, id) in level.iter().enumerate() {
            let number = if first == 0 {
                format!("{}.", place + 1)
            } else {
                String::new()
            };
            lines.extend(of(id).map(|step| stage(step, &number, width)));
        }
    }
    let last = account.stages.iter().filter(|step| step.post_run);
    lines.extend(last.map(|step| stage(step, "end", width)));
    lines
}

fn stage(step: &Step, number: &str, width: usize) -> String {
    let mut about = vec![text::line(&step.does, MAX_LINE)];
    if !step.after.is_empty() {
        about.push(format!(
            "after {}",
            text::line(&step.after.join(", "), MAX_LINE)
        ));
    }
    if let Some(width) = step.fan_out {
        about.push(format!("for each item, {width} at a time"));
    }
    for (word, condition) in [("if", &step.condition), ("unless", &step.skip_if)] {
        let condition = condition.as_ref();
        about.extend(condition.map(|text| format!("{word} {}", text::line(text, 80))));
    }
    if let Some(passes) = step.passes {
        about.push(format!("up to {passes} passes"));
    }
    if let Some(attempts) = step.attempts {
        about.push(format!("tried up to {attempts} times"));
    }
    if let Some(seconds) = step.timeout_s {
        about.push(format!("stopped after {seconds} s"));
    }
    if step.fail_as_value {
        about.push("the run goes on when it fails".to_owned());
    }
    if step.post_run {
        about.push("after the run, also when it failed".to_owned());
    }
    let id = text::line(&step.id, MAX_WIDTH);
    format!(
        "  {number:<3} {id:<width$}  {:<9}  {}",
        step.kind,
        about.join(" · ")
    )
}

fn rights(plugin: &Rights) -> Vec<String> {
    let origin = if plugin.builtin {
        "built in"
    } else {
        "third party"
    };
    let version = text::line(&plugin.version, 40);
    let about = faint(&format!("({origin}, {})", plugin.digest));
    let mut lines = vec![format!("  {} {version} {about}", plugin.plugin)];
    if !plugin.used.is_empty() {
        let used = text::line(&plugin.used.join(", "), MAX_LINE);
        lines.push(format!("    used      {used}"));
    }
    if plugin.rights.is_empty() {
        let nothing = faint("asks for nothing: it computes, and reaches nothing");
        lines.push(format!("    {nothing}"));
    }
    lines.extend(plugin.rights.iter().map(right));
    lines
}

fn right(right: &Right) -> String {
    let asked = text::line(&right.asked, MAX_RIGHT);
    let who = match right.by {
        Some("policy") => "the operator's policy",
        Some("stage") => "the stage",
        Some("manifest") => "its manifest",
        _ => "the spec",
    };
    match right.given {
        "yes" => format!("    {} given   {asked}", good("✓")),
        "no" => format!(
            "    {} not     {asked} {}",
            bad("✗"),
            faint(&format!("({who} leaves it out)"))
        ),
        _ => {
            let instead = text::line(&right.instead.join("; "), MAX_RIGHT);
            let instead = faint(&format!("({who} gives {instead})"));
            format!("    {} in part {asked} {instead}", doubtful("~"))
        }
    }
}

fn bounds(bounds: &Bounds) -> Vec<String> {
    let mut calls = format!("  {}", text::count(bounds.model_calls, "model call"));
    calls.push_str(" at most, rounds of tools, repetitions and runs within it included");
    if !bounds.for_each_item.is_empty() {
        let stages = text::line(&bounds.for_each_item.join(", "), MAX_LINE);
        calls.push_str(&format!("; for each item those of {stages} again"));
    }
    let mut lines = vec![calls];
    lines.push(match bounds.max_llm_calls {
        Some(limit) => format!(
            "  {} (contracts.max_llm_calls)",
            text::count(limit, "model stage")
        ),
        None => "  no limit on model stages (contracts.max_llm_calls is 0)".to_owned(),
    });
    lines.push(match bounds.max_cost_usd {
        Some(limit) => format!("  ${limit}, and the call that reaches it (contracts.max_cost_usd)"),
        None => "  no limit on what models cost (contracts.max_cost_usd is not set)".to_owned(),
    });
    lines.push(match bounds.max_tokens_total {
        Some(limit) => format!(
            "  {} tokens, and the call that reaches it (contracts.max_tokens_total)",
            text::thousands(limit)
        ),
        None => "  no limit on tokens (contracts.max_tokens_total is not set)".to_owned(),
    });
    lines.push(format!(
        "  {} hours (contracts.timeout_hours)",
        bounds.timeout_hours
    ));
    lines.push(format!(
        "  files below {}",
        text::line(&bounds.workspace, 200)
    ));
    lines
}
