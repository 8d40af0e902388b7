//! The only door to the network.
//!
//! A name is resolved once and every address it has is looked at; if one of them is not public and the grant does not
//! say that it may be, there is no connection at all, so an answer that mixes public and private addresses gains
//! nothing. The connection goes to the addresses that were looked at. Redirects are not followed here: the caller
//! checks each hop like a first request. Proxies of the environment are ignored: they would move the check elsewhere.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use armature_grants::Reach;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use url::{Host, Url};

use crate::address::is_public;

/// Connections that are kept open to one host for the next request.
const IDLE_PER_HOST: usize = 4;

/// Most clients that are kept.
const MAX_CLIENTS: usize = 16;

/// Longest time such a connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(30);

/// The clients of this process. One that is for public addresses cannot reach others at all. How long a connection may
/// take to stand is a property of a client; it is written in few specs, so there are few of them.
#[derive(Debug, Default)]
pub(crate) struct Egress(Mutex<Vec<(Reach, Duration, Client)>>);

/// Why a connection was not even tried.
#[derive(Debug, thiserror::Error)]
#[error("the address is not public")]
pub(crate) struct NotPublic;

impl Egress {
    /// The client for requests that may reach this far; `None` if this machine cannot speak TLS at all.
    pub(crate) fn client(&self, reach: Reach, connect: Duration) -> Option<Client> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clients
            .iter()
            .find(|(to, within, _)| *to == reach && *within == connect);
        if let Some((_, _, client)) = known {
            return Some(client.clone());
        }
        let client = build(reach, connect)?;
        if clients.len() >= MAX_CLIENTS {
            clients.remove(0);
        }
        clients.push((reach, connect, client.clone()));
        Some(client)
    }

    /// An address written out in the URL never passes the resolver, so it is looked at here.
    pub(crate) fn check_literal(url: &Url, reach: Reach) -> Result<(), NotPublic> {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(v4)) => v4.into(),
            Some(Host::Ipv6(v6)) => v6.into(),
            _ => return Ok(()),
        };
        if reach == Reach::Anywhere || is_public(address) {
            Ok(())
        } else {
            Err(NotPublic)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that opens sockets for guests"
)]
fn build(reach: Reach, connect: Duration) -> Option<Client> {
    let provider = rustls::crypto::ring::default_provider();
    // Another part of the program may have chosen already: then that choice holds.
    let _ = provider.install_default();
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .referer(false)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_FOR)
        .dns_resolver(std::sync::Arc::new(Vetting(reach)))
        .user_agent(concat!("armature/", env!("CARGO_PKG_VERSION")))
        .build()
        .inspect_err(|why| tracing::error!(%why, "no HTTP client"))
        .ok()
}

/// Resolves names and looks at what they resolve to.
struct Vetting(Reach);

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if reach == Reach::PublicOnly && !found.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Did this error come from an address that is not public?
pub(crate) fn is_not_public(error: &reqwest::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = source {
        if current.is::<NotPublic>() {
            return true;
        }
        source = current.source();
    }
    false
}
