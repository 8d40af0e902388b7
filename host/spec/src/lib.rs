//! Workflow specs: what one may say, reading it, and judging it before it runs.
//!
//! [`parse`] turns YAML into types and reports every problem with line and column; [`validate`] checks what can only
//! be seen in the whole; [`risk`] scores it; [`schema`] is the JSON Schema of it all; [`Template`] renders the texts
//! in it over data. The crate is pure: the only thing it does outside itself is to read the one file that [`load`] is
//! given.

mod codes;
mod data;
mod document;
mod files;
mod finding;
mod location;
mod model;
mod partial;
mod pattern;
mod read;
mod risk;
mod role_names;
mod schema;
mod settings;
mod suggest;
mod template;
mod validate;
mod yaml;

pub use codes::Code;
pub use data::parse_data;
pub use document::{Document, Source, parse, parse_agent, parse_for};
pub use files::{load, load_for};
pub use finding::{Finding, FindingCode, Findings, Severity, SpecFile};
pub use location::{Location, Step};
pub use model::*;
pub use pattern::{Pattern, PatternError};
pub use risk::{Risk, RiskFactor, RiskTier, risk, risk_table};
pub use schema::schema;
pub use template::{EnvStyle, Template, TemplateError, ValueTemplate};
pub use validate::validate;
