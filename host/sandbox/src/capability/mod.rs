//! The host interfaces of the contract, one file each, all alike: count the call, check the right, do it within the
//! limits, answer with an error of the interface. A right that is missing is an answer to the guest and a line in the
//! record; a limit that is reached ends the call.

mod fs;
mod http;
mod kv;
mod log;
mod secrets;
mod tools;
