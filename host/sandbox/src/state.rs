//! What a running guest has: its rights, its meter, its services. One for each call, gone with it.

use std::{sync::Arc, time::Duration};

use armature_grants::{Denial, PluginName, Rights};
use wasmtime::{ResourceLimiter, StoreLimits, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{
    egress::Egress,
    manifest::plain_text,
    services::Services,
    usage::{Meter, Stop},
    wasi,
    workspace::Workspace,
};

/// About a call, for the guest and for the record.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    /// The run.
    pub run_id: String,
    /// The stage; empty outside a workflow.
    pub stage: String,
    /// The same for every repetition of this call: an idempotency key.
    pub call_id: String,
    /// The workflow's name: what `kv: workflow` is kept under.
    pub workflow: String,
}

/// Everything about one call that is not the plugin and its arguments.
#[derive(Clone)]
pub struct Call {
    /// What the guest may do.
    pub rights: Rights,
    /// What it may use.
    pub limits: armature_grants::Limits,
    /// What stands behind the host interfaces.
    pub services: Services,
    /// Its files; without one every file operation is refused.
    pub workspace: Option<Workspace>,
    /// About the call.
    pub context: CallContext,
}

impl Call {
    /// A call without any right: for metadata and rules.
    pub fn without_rights(plugin: PluginName, limits: armature_grants::Limits) -> Self {
        Self {
            rights: Rights::none(plugin),
            limits,
            services: Services::nothing(),
            workspace: None,
            context: CallContext::default(),
        }
    }
}

/// The data of a store.
pub(crate) struct State {
    pub(crate) plugin: PluginName,
    pub(crate) rights: Rights,
    pub(crate) services: Services,
    pub(crate) workspace: Option<Workspace>,
    pub(crate) context: CallContext,
    pub(crate) meter: Meter,
    pub(crate) egress: Arc<Egress>,
    counts: StoreLimits,
    wasi: Option<Box<(WasiCtx, ResourceTable)>>,
}

impl State {
    pub(crate) fn new(plugin: PluginName, call: Call, meter: Meter, egress: Arc<Egress>) -> Self {
        let counts = wasmtime::StoreLimitsBuilder::new()
            .instances(to_usize(meter.limits.instances))
            .memories(to_usize(meter.limits.memories))
            .tables(to_usize(meter.limits.tables))
            .build();
        Self {
            plugin,
            rights: call.rights,
            services: call.services,
            workspace: call.workspace,
            context: call.context,
            meter,
            egress,
            counts,
            wasi: None,
        }
    }

    /// What every host function does first.
    pub(crate) fn enter(&mut self) -> Result<(), Stop> {
        self.meter.host_call()
    }

    /// Remembers a refusal, whatever the guest makes of it, and says what the guest is told.
    pub(crate) fn denied(&mut self, denial: Denial) -> String {
        let text = denial.for_guest();
        self.meter.used.deny(denial);
        text
    }

    /// A line of a guest, fit for a screen and a log.
    pub(crate) fn clean(&self, message: &str) -> String {
        let scrubbed = self.services.secrets.scrubber().text(message);
        plain_text(&scrubbed, to_usize(self.meter.limits.log_bytes))
    }

    /// A limit that was found exceeded where the guest could not be stopped at once.
    pub(crate) fn exceeded(&self) -> Option<armature_grants::LimitId> {
        self.meter.exceeded
    }

    /// Time that is left for the call, and for whatever it does now.
    pub(crate) fn remaining(&self) -> Duration {
        self.meter.remaining()
    }
}

pub(crate) fn to_usize(amount: u64) -> usize {
    usize::try_from(amount).unwrap_or(usize::MAX)
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The engine asks before it looks at the memory's own maximum; what will not happen is not counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        // An error, not a refusal: a guest that has no memory is stopped by name instead of failing somewhere later.
        self.meter
            .grow_memory(desired.saturating_sub(current) as u64)?;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.meter
            .grow_table(desired.saturating_sub(current) as u64)?;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.counts.instances()
    }

    fn tables(&self) -> usize {
        self.counts.tables()
    }

    fn memories(&self) -> usize {
        self.counts.memories()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Every WASI call comes by here, so they are counted here; the guest is stopped at the next tick of the epoch.
        if let Err(Stop(limit)) = self.meter.host_call() {
            self.meter.exceeded.get_or_insert(limit);
        }
        let (meter, services, plugin) = (&self.meter, &self.services, &self.plugin);
        let fresh = || {
            Box::new((
                wasi::nothing_behind(plugin, services, &meter.log),
                wasi::table(&meter.limits),
            ))
        };
        let (ctx, table) = &mut **self.wasi.get_or_insert_with(fresh);
        WasiCtxView { ctx, table }
    }
}
