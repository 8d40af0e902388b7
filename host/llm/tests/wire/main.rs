//! What the providers put on the wire and make of what comes back, against real HTTP servers on loopback.

#[cfg(test)]
mod anthropic;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod openai;
#[cfg(test)]
mod server;
#[cfg(test)]
mod transport;
