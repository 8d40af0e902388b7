//! Rights that a plugin asks for and the spec does not give: at a terminal, the person who runs it is asked.
//!
//! Asked is before anything runs, a plugin at a time, with every right as a line; so that whoever answers sees the whole
//! of it, and no guest waits with half its work done. What is given holds for this run. `always` also prints the lines
//! that belong in the spec; nothing is written for anybody. What the operator's policy leaves out cannot be given here,
//! and neither can a secret: where one may go has to be written down. Nobody but a person at a terminal can give
//! anything here, and where there is none, a right that was not given is refused with the line that gives it.

use armature_engine::{AskedRight, Engine, Held, Plan};
use armature_grants::{Grants, Layer, PluginName, SecretGrants};
use armature_sandbox::Plugin;
use armature_spec::{Document, ToolEntry};

use crate::{
    failure::Failure,
    keyboard,
    render::{findings, screen::Screen, style, text},
};

/// What a person said.
enum Said {
    Once,
    Always,
    No,
}

/// Asks about every plugin that lacks something, and plans again with what was given.
pub(crate) async fn ask(screen: &Screen, engine: &Engine, plan: Plan) -> Result<Plan, Failure> {
    if !screen.can_ask() {
        return Ok(plan);
    }
    let mut document: Option<Document> = None;
    for rights in plan.rights() {
        let plugin = &rights.plugin;
        let lacking: Vec<&AskedRight> = rights
            .asked
            .iter()
            .filter(|asked| asked.held == Held::No(Layer::Spec))
            .filter(|asked| asked.grant.secrets == SecretGrants::default())
            .collect();
        if lacking.is_empty() || engine.plugins().is_builtin(plugin.name()) {
            continue;
        }
        match question(screen, plugin, &lacking).await {
            Said::No => continue,
            Said::Always => tell(screen, plugin, &shown(&lacking)),
            Said::Once => {}
        }
        let document = document.get_or_insert_with(|| plan.document().clone());
        give(document, plugin.name(), &shown(&lacking));
    }
    let Some(document) = document else {
        return Ok(plan);
    };
    engine.plan(document).await.map_err(|found| {
        findings::show(screen, &found.0);
        Failure::usage("the workflow cannot be run with what was given")
    })
}

/// The rights that were shown, and no others: what the spec gave in part stays as it is.
fn shown(lacking: &[&AskedRight]) -> Grants {
    let parts = lacking.iter().map(|asked| &asked.grant);
    parts.fold(Grants::default(), |all, part| joined(Some(all), part))
}

async fn question(screen: &Screen, plugin: &Plugin, lacking: &[&AskedRight]) -> Said {
    let name = style::name(plugin.name().as_str());
    let digest = plugin.digest().short();
    screen.say(&format!(
        "{} plugin {name} {} asks for what the spec does not give it:",
        style::doubtful("?"),
        style::faint(&format!("({digest})"))
    ));
    for asked in lacking {
        // Whole, however long: nobody agrees to what is cut off.
        screen.say(&format!("    {}", text::visible(&asked.line)));
    }
    loop {
        keyboard::forget_what_was_typed();
        screen.ask(
            "  give it for this run? [once / always, to see what to write into the spec / no] ",
        );
        let Some(line) = keyboard::line().await else {
            return Said::No;
        };
        match line.trim().to_lowercase().as_str() {
            "o" | "once" | "y" | "yes" => return Said::Once,
            "a" | "always" => return Said::Always,
            "n" | "no" => return Said::No,
            _ => screen.say("  answer once, always or no"),
        }
    }
}

/// The lines that belong in the spec.
fn tell(screen: &Screen, plugin: &Plugin, shown: &Grants) {
    let grants = serde_json::to_string(shown).unwrap_or_default();
    screen.say("  so that it is not asked again, write into the spec:");
    screen.say("    tools:");
    screen.say(&format!("      - plugin: {}", plugin.name()));
    screen.say(&format!("        grants: {}", text::visible(&grants)));
}

/// Puts a grant where the spec would have it.
fn give(document: &mut Document, plugin: &PluginName, grants: &Grants) {
    let spec = &mut document.spec;
    let mut is_listed = false;
    for entry in &mut spec.tools {
        if entry.plugin_name().is_ok_and(|name| name == *plugin) {
            entry.grants = Some(joined(entry.grants.take(), grants));
            is_listed = true;
        }
    }
    if !is_listed {
        spec.tools.push(ToolEntry {
            plugin: Some(plugin.clone()),
            grants: Some(grants.clone()),
            module: None,
            limits: None,
        });
    }
    for adapter in spec.adapters.values_mut() {
        if adapter.plugin.as_ref() == Some(plugin) {
            adapter.grants = Some(joined(adapter.grants.take(), grants));
        }
    }
}

/// Both together; a secret stays as the spec has it.
fn joined(written: Option<Grants>, given: &Grants) -> Grants {
    let mut all = written.unwrap_or_default();
    all.fs.read.extend(given.fs.read.iter().cloned());
    all.fs.write.extend(given.fs.write.iter().cloned());
    all.http.extend(given.http.iter().cloned());
    all.kv = all.kv.max(given.kv);
    all.tools.extend(given.tools.iter().cloned());
    all
}
