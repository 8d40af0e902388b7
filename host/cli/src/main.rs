//! The binary `armature`: arguments in, exit code out.
//!
//! The spine: read the arguments, start what every command needs (and no more: `--version` touches nothing), run the
//! one command, show how it ended. Commands are one file each in [`command`]; what people see is made in [`render`];
//! what an exit code means stands in [`exit`]. Everything that acts is in `armature-engine`.

mod account;
mod arguments;
mod builtins;
mod command;
mod compiling;
mod draft;
mod environment;
mod exit;
mod failure;
mod files;
mod format;
mod going_on;
mod granting;
mod inputs;
mod keep;
mod keyboard;
mod opening;
mod person;
mod render;
mod session;
mod targets;
mod templates;
mod trust;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::{arguments::Arguments, exit::Exit, render::screen::Screen};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and the version are "errors" for the parser, and none for anybody else.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    log_if_asked();
    let screen = Screen::new(arguments.colour);
    let exit = command::run(&screen, arguments).unwrap_or_else(|failure| {
        screen.failure(&failure);
        failure.exit
    });
    exit.into()
}

/// The program's own diagnostics, on standard error.
fn log_if_asked() {
    let Some(filter) = environment::log_filter() else {
        return;
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .finish();
    // It is set once, here.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
