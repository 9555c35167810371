//! Looks names up, behind a trait so that a test can give any answers.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::net::SocketAddr;

/// Why a name led to no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// The name does not exist, or has no address.
    NotFound,
    /// The name service gave no answer; another attempt may get one.
    Temporary,
}

/// Finds the addresses of a name. Is asked once for every connection that is opened.
pub trait Resolve: Send + Sync {
    /// All addresses of `name`, best first, each with `port`.
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<SocketAddr>, NoAddress>>;
}

/// The machine's own resolver, so that `/etc/hosts` and split-horizon names work as everywhere else on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<SocketAddr>, NoAddress>> {
        async move {
            match tokio::net::lookup_host((name, port)).await {
                Ok(found) => Ok(found.collect()),
                Err(error) => Err(no_address(&error.to_string())),
            }
        }
        .boxed()
    }
}

/// The standard library gives no code for what getaddrinfo said, only its text: EAI_AGAIN is "Temporary failure
/// in name resolution" in glibc and "Try again" in musl.
fn no_address(message: &str) -> NoAddress {
    if message.contains("Temporary failure") || message.contains("Try again") {
        NoAddress::Temporary
    } else {
        NoAddress::NotFound
    }
}
