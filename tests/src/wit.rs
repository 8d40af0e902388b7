//! The contract, and as much of WASI 0.2 as the guests here misuse, for the encoder.

use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

/// WASI as guests are compiled against it, cut down to what is attacked.
const WASI: &[(&str, &str)] = &[
    (
        "io.wit",
        "package wasi:io@0.2.0;
         interface poll {
             resource pollable { ready: func() -> bool; block: func(); }
         }
         interface error { resource error { to-debug-string: func() -> string; } }
         interface streams {
             use error.{error};
             use poll.{pollable};
             variant stream-error { last-operation-failed(error), closed }
             resource output-stream {
                 check-write: func() -> result<u64, stream-error>;
                 blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
             }
         }",
    ),
    (
        "clocks.wit",
        "package wasi:clocks@0.2.0;
         interface monotonic-clock {
             use wasi:io/poll@0.2.0.{pollable};
             type instant = u64;
             type duration = u64;
             now: func() -> instant;
             resolution: func() -> duration;
             subscribe-duration: func(when: duration) -> pollable;
         }",
    ),
    (
        "random.wit",
        "package wasi:random@0.2.0;
         interface random { get-random-bytes: func(len: u64) -> list<u8>; }",
    ),
    (
        "cli.wit",
        "package wasi:cli@0.2.0;
         interface environment {
             get-environment: func() -> list<tuple<string, string>>;
             get-arguments: func() -> list<string>;
             initial-cwd: func() -> option<string>;
         }
         interface exit { exit: func(status: result); }
         interface stdout {
             use wasi:io/streams@0.2.0.{output-stream};
             get-stdout: func() -> output-stream;
         }",
    ),
    (
        "filesystem.wit",
        "package wasi:filesystem@0.2.0;
         interface types { resource descriptor; }
         interface preopens {
             use types.{descriptor};
             get-directories: func() -> list<tuple<descriptor, string>>;
         }",
    ),
    (
        "sockets.wit",
        "package wasi:sockets@0.2.0;
         interface network {
             resource network;
             enum error-code { unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
                 concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
                 address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
                 connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
                 permanent-resolver-failure }
             enum ip-address-family { ipv4, ipv6 }
         }
         interface tcp { resource tcp-socket; }
         interface tcp-create-socket {
             use network.{error-code, ip-address-family};
             use tcp.{tcp-socket};
             create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
         }",
    ),
    (
        "guests.wit",
        "package armature:guests@0.1.0;
         world tool {
             include armature:plugin/tool@0.1.0;
             import wasi:io/poll@0.2.0;
             import wasi:io/streams@0.2.0;
             import wasi:clocks/monotonic-clock@0.2.0;
             import wasi:random/random@0.2.0;
             import wasi:cli/environment@0.2.0;
             import wasi:cli/exit@0.2.0;
             import wasi:cli/stdout@0.2.0;
             import wasi:filesystem/preopens@0.2.0;
             import wasi:sockets/tcp-create-socket@0.2.0;
         }
         world adapter { include armature:plugin/adapter@0.1.0; }
         world rule { include armature:plugin/rule@0.1.0; }",
    ),
];

/// The contract with WASI beside it, and the world of this name.
pub(crate) fn world(name: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))
        .expect("the contract");
    let mut last = None;
    for (file, text) in WASI {
        let group = UnresolvedPackageGroup::parse(file, text).expect(file);
        last = Some(resolve.push_group(group).expect(file));
    }
    let package = last.expect("there are packages");
    let world = resolve
        .select_world(&[package], Some(name))
        .expect("the world");
    (resolve, world)
}

/// A component of this core module, whose imports and exports have the names of the world's.
pub(crate) fn component(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    wit_component::embed_component_metadata(
        &mut module,
        resolve,
        world,
        wit_component::StringEncoding::UTF8,
    )
    .expect("a module for the world");
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .expect("a module for the world")
        .encode()
        .unwrap_or_else(|why| panic!("{why:#}"))
}

/// A component of a core module for a world that is written here: for typed exports.
pub(crate) fn typed(wit: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let group = UnresolvedPackageGroup::parse("typed.wit", wit).expect("WIT");
    let package = resolve.push_group(group).expect("WIT");
    let world = resolve.select_world(&[package], None).expect("one world");
    component(wat::parse_str(module).expect("WAT"), &resolve, world)
}

/// A component with the documentation of this WIT as its custom section.
pub(crate) fn documented(wit: &str, component: &[u8]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let group = UnresolvedPackageGroup::parse("typed.wit", wit).expect("WIT");
    let package = resolve.push_group(group).expect("WIT");
    let docs = wit_parser::PackageMetadata::extract(&resolve, package)
        .encode()
        .expect("documentation");
    let name = wit_parser::PackageMetadata::SECTION_NAME;
    let mut section = vec![u8::try_from(name.len()).expect("short")];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(&docs);
    let mut out = component.to_vec();
    out.push(0);
    let mut length = section.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend_from_slice(&section);
    out
}
