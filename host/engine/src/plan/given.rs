//! What a plugin may do and use in this spec: requests ∩ grants ∩ policy, and the limits that were asked for.

use armature_grants::{Grants, LIMITS, Layer, LimitId, LimitRequest, Limits, Rights};
use armature_sandbox::Plugin;
use armature_spec::Step;

use super::{
    problem::{PlanCode, Reporter},
    resolve::Resolver,
    stage::{Given, Written},
};

impl Resolver<'_> {
    /// What the spec gives a plugin: what is written, and where nothing is written a built-in has what its manifest says
    /// it usually needs (we wrote it).
    pub(crate) fn given(&self, plugin: &Plugin) -> Given {
        let Written { grants, mut limits } =
            self.written.get(plugin.name()).cloned().unwrap_or_default();
        if !self.engine.plugins.is_builtin(plugin.name()) {
            return Given {
                grants: grants.unwrap_or_default(),
                limits,
            };
        }
        // What is written stands; the rest is what its author found it needs.
        let asked = &plugin.manifest().limits;
        for row in LIMITS {
            if let (None, Some(amount)) = (limits.get(row.id), asked.get(row.id)) {
                limits = limits.and(row.id, amount.min(self.ceiling(row.id)));
            }
        }
        Given {
            grants: grants.unwrap_or_else(|| {
                let manifest = plugin.manifest();
                let usual = manifest.defaults.as_ref();
                usual.unwrap_or(&manifest.requests).clone()
            }),
            limits,
        }
    }

    /// Manifest ∩ spec ∩ policy.
    pub(crate) fn rights(&self, plugin: &Plugin, grants: Grants) -> Rights {
        let rights = Rights::new(plugin.name().clone(), plugin.manifest().requests.clone());
        let rights = rights.narrowed(Layer::Spec, grants);
        match self.engine.policy.ceiling(plugin.name()) {
            Some(ceiling) => rights.narrowed(Layer::Policy, ceiling.clone()),
            None => rights,
        }
    }

    /// The limits of a call, when those that are asked for are allowed.
    pub(crate) fn limits(
        &self,
        asked: &LimitRequest,
        report: &mut Reporter<'_>,
        at: &[Step<'_>],
    ) -> Option<Limits> {
        match Limits::standard().with(asked, Some(self.engine.policy.limits())) {
            Ok(limits) => Some(limits),
            Err(error) => {
                report
                    .add(PlanCode::LimitTooHigh, at, error.to_string())
                    .hint("ask for less; what an operator allows stands under `[limits]` in policy.toml");
                None
            }
        }
    }

    /// The most that may be asked of a limit.
    pub(crate) fn ceiling(&self, limit: LimitId) -> u64 {
        let by_policy = self.engine.policy.limits().get(limit);
        by_policy.map_or(limit.row().ceiling, |amount| {
            amount.min(limit.row().ceiling)
        })
    }
}

/// Can a plugin with these rights reach another machine?
pub(crate) fn reaches_out(rights: &Rights) -> bool {
    every_layer(rights, |grants| !grants.http.is_empty())
}

/// Can something that a plugin with these rights is handed leave this machine, by itself or through another tool?
pub(crate) fn hands_on(rights: &Rights) -> bool {
    reaches_out(rights) || every_layer(rights, |grants| !grants.tools.is_empty())
}

/// Can a plugin with these rights leave anything behind that a second call would find? Without such a right it only
/// computes, whatever it says of itself.
pub(crate) fn leaves_traces(rights: &Rights) -> bool {
    reaches_out(rights)
        || every_layer(rights, |grants| !grants.fs.write.is_empty())
        || every_layer(rights, |grants| grants.kv.is_some())
        || every_layer(rights, |grants| !grants.tools.is_empty())
}

fn every_layer(rights: &Rights, gives: impl Fn(&Grants) -> bool) -> bool {
    rights.layers().iter().all(|(_, grants)| gives(grants))
}
