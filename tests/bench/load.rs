//! A plugin from the compiled cache: bytes checked, digest taken, native code vouched for and mapped.

use std::time::{Duration, Instant};

use armature_tests::{Host, compiled};
use wasmtime::component::Component;

use crate::{
    bare,
    row::{Rounds, Row, median, p50},
};

pub(crate) async fn measure(rounds: &Rounds) -> Row {
    let count = rounds.of(200);
    let wasm = compiled("file");
    let dir = tempfile::tempdir().unwrap();
    let host = Host::with_cache(Some(dir.path().join("cache")));
    host.try_prepare(&wasm).await.unwrap();
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        host.try_prepare(&wasm).await.unwrap();
        times.push(started.elapsed());
    }

    let engine = bare::engine();
    let native = Component::new(&engine, &wasm).unwrap().serialize().unwrap();
    let theirs = p50(count, || drop(deserialize(&engine, &native)));
    Row::time(
        "plugin in Rust from the compiled cache, read and checked",
        median(times),
        "≤ 1 ms",
        Duration::from_millis(1),
        Some(theirs),
    )
}

#[expect(unsafe_code, reason = "the bench made these bytes itself, just now")]
fn deserialize(engine: &wasmtime::Engine, native: &[u8]) -> Component {
    // SAFETY: `native` is what `Component::serialize` of this very engine gave.
    unsafe { Component::deserialize(engine, native) }.unwrap()
}
