//! `armature validate`: what is wrong with workflows, and how risky they are. Nothing runs.

use std::path::{Path, PathBuf};

use armature_engine::Engine;
use armature_spec::{Finding, Findings, Risk, Severity, Spec, risk};
use serde_json::{Value, json};

use crate::{
    arguments::Places,
    exit::Exit,
    failure::Failure,
    format::Format,
    opening,
    render::{
        findings::{self, as_json},
        outcome::pretty,
        screen::Screen,
        style, text,
    },
};

/// Say what is wrong with workflows, and how risky they are, without running them.
///
/// Warnings never fail: a workflow that is called valid can be run. Ends with 2 when one of them has an error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  armature validate spec.yml\n  armature validate specs/*.yml --format json"
)]
pub(crate) struct Validate {
    /// The workflows' files
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<PathBuf>,

    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Show errors and nothing else
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,

    #[command(flatten)]
    places: Places,
}

/// What was found out about one workflow.
struct Report {
    file: String,
    /// What it says, where it could be read.
    spec: Option<Spec>,
    findings: Findings,
}

impl Validate {
    pub(crate) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        opening::wait(async {
            // One for all, and none for files that cannot be read.
            let mut engine = None;
            let mut reports = Vec::new();
            for file in &self.specs {
                let report = self.look(file, &mut engine).await?;
                if self.format == Format::Text {
                    self.tell(screen, &report);
                }
                reports.push(report);
            }
            if self.format == Format::Json {
                screen.result(&pretty(&all_as_json(&reports)))?;
            }
            let refused = reports.iter().filter(|report| report.findings.has_errors());
            let exits: Vec<Exit> = refused
                .map(|report| opening::refusal(&report.findings))
                .collect();
            Ok(match exits.first() {
                None => Exit::Done,
                Some(Exit::Denied) if exits.iter().all(|exit| *exit == Exit::Denied) => {
                    Exit::Denied
                }
                Some(_) => Exit::Usage,
            })
        })
    }

    async fn look(&self, file: &Path, engine: &mut Option<Engine>) -> Result<Report, Failure> {
        let name = file.display().to_string();
        let document = match armature_spec::load(file) {
            Ok(document) => document,
            Err(findings) => {
                return Ok(Report {
                    file: name,
                    spec: None,
                    findings,
                });
            }
        };
        let engine = match engine {
            Some(engine) => engine,
            None => engine.insert(opening::engine(&self.places, false)?),
        };
        let spec = Some(document.spec.clone());
        let findings = match engine.plan(document).await {
            Ok(plan) => Findings(plan.warnings().to_vec()),
            Err(findings) => findings,
        };
        Ok(Report {
            file: name,
            spec,
            findings,
        })
    }

    fn tell(&self, screen: &Screen, report: &Report) {
        let shown: Vec<Finding> = report
            .findings
            .0
            .iter()
            .filter(|finding| !self.quiet || finding.severity == Severity::Error)
            .cloned()
            .collect();
        findings::show(screen, &shown);
        if self.quiet {
            return;
        }
        let file = text::line(&report.file, 200);
        match &report.spec {
            Some(spec) if !report.findings.has_errors() => {
                let stages = text::length(spec.stages.len(), "stage");
                let name = text::line(&spec.name, 120);
                let file = if self.specs.len() > 1 {
                    format!("{file}: ")
                } else {
                    String::new()
                };
                screen.print(&format!(
                    "{} {file}'{name}' is valid ({stages})",
                    style::good("✓")
                ));
                tell_risk(screen, &risk(spec, &report.findings.0));
            }
            _ => {
                let said = format!("✗ {file}: {}", findings::counts(&report.findings.0));
                screen.say(&style::bad(&said));
            }
        }
    }
}

fn tell_risk(screen: &Screen, risk: &Risk) {
    screen.print(&format!(
        "Risk: {} [score={}]",
        risk.tier.as_str().to_uppercase(),
        risk.score
    ));
    for factor in &risk.factors {
        screen.print(&format!("    {:<+4} {}", factor.points, factor.label));
    }
}

fn all_as_json(reports: &[Report]) -> Value {
    let findings = reports.iter().flat_map(|report| &report.findings.0);
    let specs = reports.iter().map(|report| {
        let spec = report.spec.as_ref();
        json!({
            "file": report.file,
            "valid": !report.findings.has_errors(),
            "name": spec.map(|spec| &spec.name),
            "stages": spec.map(|spec| spec.stages.len()),
            "risk": spec.map(|spec| risk(spec, &report.findings.0)),
        })
    });
    json!({
        "valid": reports.iter().all(|report| !report.findings.has_errors()),
        "specs": specs.collect::<Vec<_>>(),
        "findings": findings.map(as_json).collect::<Vec<_>>(),
    })
}
