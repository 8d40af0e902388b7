//! The vocabulary of rights.
//!
//! A spec, a plugin's manifest and the operator's policy all speak of the same things: *capabilities* (kinds of
//! right), *grants* (what is given), *requests* (what is asked, in the same words) and *limits*. This crate owns how
//! those are written, read and compared. It is pure: it opens no file and no socket, and enforces nothing by itself;
//! `armature-sandbox` enforces, `armature-spec` reports what is written wrongly.
//!
//! Narrowing is not done by computing one pattern from two. [`Rights`] keeps every layer and allows what *all* of them
//! allow, so no mistake in an algebra of patterns can widen anything.

mod capability;
mod fs;
mod grants;
mod home_limits;
mod http;
mod limits;
mod name;
mod policy;
mod rights;
mod run_limits;
mod sandbox;
mod schema;
mod secret;
mod size;

pub use capability::Capability;
pub use fs::{FsGrant, PathRule, RelPath, RelPathError};
pub use grants::{Grants, KvScope};
pub use home_limits::{HOME_LIMITS, HomeLimit, HomeLimits};
pub use http::{HostPattern, HttpGrant, HttpPattern, PatternError};
pub use limits::{LIMITS, Limit, LimitError, LimitId, LimitRequest, Limits, Unit};
pub use name::{NameError, PluginName, ToolName};
pub use policy::Policy;
pub use rights::{Denial, Layer, Reach, Rights};
pub use run_limits::{RUN_LIMITS, RunLimit};
pub use sandbox::{SandboxMode, SandboxPolicy};
pub use schema::{SchemaError, check_schema};
pub use secret::{HeaderTemplate, SecretGrant, SecretGrants};
pub use size::{parse_bytes, show_bytes};
