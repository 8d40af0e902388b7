//! Where the commands of a plan run: in a component, unless spec and operator want something else.
//!
//! A plan that runs no command has nothing to decide here, whatever its `sandbox.mode` is.

use std::sync::Arc;

use armature_grants::{PluginName, SandboxMode};
use armature_sandbox::{
    Container, ContainerSettings, Host, Outside, Plugin, SettingsError, check_image,
};
use armature_spec::{Sandbox, Spec, Step, path};

use super::{
    Plan,
    adapters::SHELL,
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    stage::{Kind, Stage},
};
use crate::engine::Shared;

/// What runs the commands of a plan outside of components.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) outside: Outside,
    /// The images that its stages name, the workflow's own among them.
    images: Vec<String>,
}

/// What runs the commands of these stages; none where that is a component.
pub(super) fn commands(
    engine: &Shared,
    spec: &Spec,
    stages: &[Stage],
    resolver: &Resolver<'_>,
    report: &mut Reporter<'_>,
) -> Option<Arc<Commands>> {
    let sandbox = &spec.sandbox;
    if sandbox.mode == SandboxMode::Wasm || !runs_commands(stages, resolver) {
        return None;
    }
    let mode = sandbox.mode.word();
    if !engine.policy.sandbox().allows(sandbox.mode) {
        let message = format!("the operator's policy does not allow `sandbox.mode: {mode}`");
        report
            .add(PlanCode::DeniedSandbox, path!["sandbox", "mode"], message)
            .hint(format!(
                "leave `mode` out: commands then run in a component. Or the operator adds to policy.toml:\n[sandbox]\nallow = [\"{mode}\"]"
            ));
        return None;
    }
    let outside = match sandbox.mode {
        SandboxMode::Wasm => return None,
        SandboxMode::None => {
            report
                .add(
                    PlanCode::HostShell,
                    path!["sandbox", "mode"],
                    "commands run in the host's own shell, with all that you may do on this machine",
                )
                .hint("leave `mode` out, or write `docker`, unless you trust every command and every model of this spec");
            let path = (engine.environment)("PATH");
            Outside::Host(fits(Host::new(path, sandbox.env.clone()), report)?)
        }
        SandboxMode::Docker => Outside::Container(Box::new(container(engine, sandbox, report)?)),
    };
    let images = images(engine, spec, report);
    Some(Arc::new(Commands { outside, images }))
}

fn runs_commands(stages: &[Stage], resolver: &Resolver<'_>) -> bool {
    let tools = resolver.tools.values().map(|tool| &tool.plugin);
    let adapters = stages.iter().filter_map(|stage| match &stage.kind {
        Kind::Adapter(adapter) => Some(&adapter.plugin),
        _ => None,
    });
    tools
        .chain(adapters)
        .any(|plugin| plugin.name().as_str() == SHELL)
}

fn container(engine: &Shared, sandbox: &Sandbox, report: &mut Reporter<'_>) -> Option<Container> {
    let shell = PluginName::new(SHELL).ok();
    let network = shell.is_some_and(|shell| engine.policy.allows_network(&shell));
    if sandbox.allow_network && !network {
        report
            .add(
                PlanCode::DeniedSandbox,
                path!["sandbox", "allow_network"],
                "the operator's policy does not allow a container to have a network",
            )
            .hint("leave `allow_network` out. Or the operator adds to policy.toml:\n[sandbox]\nnetwork = true");
        return None;
    }
    let settings = ContainerSettings {
        runtime: sandbox.runtime.clone(),
        image: sandbox.image.clone(),
        platform: sandbox.platform.clone(),
        network: sandbox.allow_network,
        workspace: sandbox.workspace.clone(),
        env: sandbox.env.clone(),
        cpus: sandbox.cpu_limit.clone(),
        memory: sandbox.memory_limit.clone(),
    };
    fits(Container::new(settings), report)
}

/// What was made of the settings, or a report of what is wrong with them.
fn fits<T>(made: Result<T, SettingsError>, report: &mut Reporter<'_>) -> Option<T> {
    made.map_err(|wrong| {
        let place = [Step::Key("sandbox"), Step::Key(wrong.key)];
        report
            .add(PlanCode::InvalidSandbox, &place, wrong.message)
            .hint(wrong.hint);
    })
    .ok()
}

/// The images that containers are made of, each once.
fn images(engine: &Shared, spec: &Spec, report: &mut Reporter<'_>) -> Vec<String> {
    if spec.sandbox.mode != SandboxMode::Docker {
        return Vec::new();
    }
    let own = (
        &spec.sandbox.image,
        vec![Step::Key("sandbox"), Step::Key("image")],
    );
    let of_stages = spec.stages.iter().enumerate().filter_map(|(place, stage)| {
        let at = vec![
            Step::Key("stages"),
            Step::Index(place),
            Step::Key("sandbox_image"),
        ];
        Some((stage.sandbox_image.as_ref()?, at))
    });
    let mut images: Vec<String> = Vec::new();
    for (image, at) in std::iter::once(own).chain(of_stages) {
        let shown = image.escape_debug();
        if let Err(wrong) = check_image(image) {
            report
                .add(PlanCode::InvalidSandbox, &at, wrong.message)
                .hint(wrong.hint);
        } else if !engine.policy.sandbox().allows_image(image) {
            report
                .add(
                    PlanCode::DeniedSandbox,
                    &at,
                    format!("the operator's policy does not allow the image `{shown}`"),
                )
                .hint("use one of `images` under [sandbox] in policy.toml, spelled as there");
        } else if !images.contains(image) {
            images.push(image.clone());
        }
    }
    images
}

impl Plan {
    /// Is this plugin one whose calls this plan makes outside of components?
    pub fn runs_elsewhere(&self, plugin: &Plugin) -> bool {
        self.0.commands.is_some() && plugin.name().as_str() == SHELL
    }

    /// Where its commands run, in words, if that is not in a component.
    pub fn commands_run(&self) -> Option<String> {
        let sandbox = &self.0.document.spec.sandbox;
        let commands = self.0.commands.as_ref()?;
        Some(match commands.outside {
            Outside::Host(_) => "commands run in the HOST'S OWN SHELL".to_owned(),
            Outside::Container(_) => {
                let network = if sandbox.allow_network {
                    "with a network"
                } else {
                    "without a network"
                };
                format!(
                    "commands run in containers of {} ({}, {network})",
                    commands.images.join(", "),
                    sandbox.runtime
                )
            }
        })
    }

    /// Makes sure that the commands of this plan and of those below it can run: the container engine answers and has the
    /// images. Without it the first command finds out. `tells` is told what takes long.
    ///
    /// # Errors
    /// [`armature_sandbox::CallError`], with what to do.
    pub async fn prepare_commands(
        &self,
        tells: impl Fn(&str) + Send + Sync,
    ) -> Result<(), armature_sandbox::CallError> {
        for plan in std::iter::once(self).chain(self.0.children.values()) {
            if let Some(commands) = &plan.0.commands {
                let images: Vec<&str> = commands.images.iter().map(String::as_str).collect();
                commands.outside.prepare(&images, &tells).await?;
            }
        }
        Ok(())
    }
}
