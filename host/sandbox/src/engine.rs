//! The wasmtime engine: one a process, made when the first plugin is needed and not before.
//!
//! Components only; every store metered by fuel and interrupted by epochs; instances from a pool, so that a fresh one
//! for each call costs microseconds. What a guest may use of WebAssembly is pinned here and in `preflight`.

use std::{thread, time::Duration};

use armature_grants::{LimitId, Limits, RunLimit};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::error::LoadError;

/// How often a running guest is looked at: the resolution of a deadline.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Bytes of a slot that stay in memory between two calls: clearing them costs less than giving them back.
const KEEP_RESIDENT: usize = 64 * 1024;

/// Slots that stay mapped to the plugin that was in them last: so many plugins can take turns, as the rules of a spec do,
/// without being mapped anew for each call.
const WARM_SLOTS: u32 = 32;

/// The host's own stack below the guest's, for host functions that a guest calls.
const HOST_STACK: usize = 1024 * 1024;

/// Makes the engine and starts its clock.
pub(crate) fn start(limits: &Limits) -> Result<Engine, LoadError> {
    let stack = usize::try_from(limits.stack).unwrap_or(usize::MAX);
    let config = |pool| config(pool, stack.min(ceiling(LimitId::Stack)));
    // A machine that limits address space cannot reserve the pool; slower instances are better than none.
    let engine = Engine::new(&config(true))
        .or_else(|_| Engine::new(&config(false)))
        .map_err(|e| LoadError::Engine { why: e.to_string() })?;
    tick(&engine)?;
    Ok(engine)
}

/// Moves the epoch on for as long as the engine is in use.
fn tick(engine: &Engine) -> Result<(), LoadError> {
    let engine = engine.weak();
    let beat = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(EPOCH_TICK);
        }
    };
    thread::Builder::new()
        .name("armature-epoch".into())
        .spawn(beat)
        .map(drop)
        .map_err(|e| LoadError::Engine { why: e.to_string() })
}

fn ceiling(limit: LimitId) -> usize {
    usize::try_from(limit.row().ceiling).unwrap_or(usize::MAX)
}

fn ceiling_u32(limit: LimitId) -> u32 {
    u32::try_from(limit.row().ceiling).unwrap_or(u32::MAX)
}

fn config(pool: bool, stack: usize) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(stack)
        .async_stack_size(stack + HOST_STACK)
        .cranelift_opt_level(OptLevel::Speed)
        // The same bits on every machine: replay depends on it.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // A guest's backtrace is for its author, not worth the time on every trap.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .wasm_component_model(true)
        // Not for guests: `preflight` refuses it in their bytes. Code that the engine itself makes between two parts of a
        // composed component reads one memory and writes another.
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    if pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling()));
    }
    config
}

/// The pool. Its sizes are reserved address space, not memory: what a call may really use is set on its store.
fn pooling() -> PoolingAllocationConfig {
    // Every call that runs may wait for calls that it made.
    let calls = u32::try_from(RunLimit::amount_of("concurrent_stages")).unwrap_or(u32::MAX) * 2;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * 4)
        .total_memories(calls * 2)
        .total_tables(calls * 4)
        .total_stacks(calls)
        .max_core_instances_per_component(ceiling_u32(LimitId::Instances))
        .max_memories_per_component(ceiling_u32(LimitId::Memories))
        .max_tables_per_component(ceiling_u32(LimitId::Tables))
        .max_component_instance_size(4 * 1024 * 1024)
        .max_core_instance_size(4 * 1024 * 1024)
        .max_memory_size(ceiling(LimitId::Memory))
        .table_elements(ceiling(LimitId::TableElements))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .async_stack_keep_resident(KEEP_RESIDENT)
        // Only pages that were written are cleared, where the kernel can say which (Linux 6.7 and later).
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(WARM_SLOTS);
    pool
}
