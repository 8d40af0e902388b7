//! `armature validate`: what is wrong with a workflow, and how risky it is. Nothing runs.

use std::path::PathBuf;

use armature_engine::Plan;
use armature_spec::{Finding, Risk, risk};
use serde_json::json;

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    opening::{self, Planned},
    render::{
        findings::{self, as_json},
        outcome::pretty,
        screen::Screen,
        style, text,
    },
};

/// Say what is wrong with a workflow, and how risky it is, without running it.
///
/// Warnings never fail: a workflow that is called valid can be run.
#[derive(Debug, clap::Args)]
pub(crate) struct Validate {
    /// The workflow's file
    #[arg(value_name = "SPEC")]
    spec: PathBuf,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    places: Places,
}

/// How to print what was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object on standard output.
    Json,
}

impl Validate {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        opening::wait(async {
            let (planned, _engine) =
                opening::plan(&self.spec, || opening::engine(&self.places, false)).await?;
            Ok(match (self.format, planned) {
                (Format::Text, Planned::Good(plan)) => valid(screen, &plan),
                (Format::Text, Planned::Bad(problems)) => {
                    let exit = opening::refuse(screen, &problems);
                    let said = format!(
                        "✗ {}: {}",
                        self.spec.display(),
                        findings::counts(&problems.0)
                    );
                    screen.say(&style::bad(&text::visible(&said)));
                    exit
                }
                (Format::Json, Planned::Good(plan)) => {
                    print_json(screen, true, plan.warnings(), Some(&plan))?;
                    Exit::Done
                }
                (Format::Json, Planned::Bad(problems)) => {
                    print_json(screen, false, &problems.0, None)?;
                    Exit::Usage
                }
            })
        })
    }
}

fn valid(screen: &Screen, plan: &Plan) -> Exit {
    findings::show(screen, plan.warnings());
    let spec = &plan.document().spec;
    let stages = text::length(spec.stages.len(), "stage");
    let name = text::line(&spec.name, 120);
    screen.print(&format!(
        "{} '{name}' is valid ({stages})",
        style::good("✓")
    ));
    let Risk {
        score,
        tier,
        factors,
        ..
    } = risk(spec);
    screen.print(&format!(
        "Risk: {} [score={score}]",
        tier.as_str().to_uppercase()
    ));
    for factor in factors {
        screen.print(&format!("    {:<+4} {}", factor.points, factor.label));
    }
    Exit::Done
}

fn print_json(
    screen: &Screen,
    valid: bool,
    problems: &[Finding],
    plan: Option<&Plan>,
) -> Result<(), Failure> {
    let spec = plan.map(|plan| &plan.document().spec);
    let risk = spec.map(risk).map(|risk| {
        let factors: Vec<_> = risk
            .factors
            .iter()
            .map(|f| json!({"points": f.points, "label": f.label}))
            .collect();
        json!({"score": risk.score, "tier": risk.tier.as_str(), "factors": factors})
    });
    let report = json!({
        "valid": valid,
        "name": spec.map(|spec| &spec.name),
        "stages": spec.map(|spec| spec.stages.len()),
        "risk": risk,
        "findings": problems.iter().map(as_json).collect::<Vec<_>>(),
    });
    screen.result(&pretty(&report))
}
