//! Says which URLs and addresses Leadwire may call: pure values, asked before every request.
//!
//! Names are checked on the `Host` of the one WHATWG parse that the request is made from, and every address a
//! name leads to is checked before it is dialled. The deny table is our own because the usual "is global" test
//! lets pass, among others, 168.63.129.16, 192.0.0.192, NAT64 and 6to4 (IANA special-purpose registries, RFC 6890).

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// Why a request is not made. Names the rule, never the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Neither `https`, nor `http` where the operator allows it.
    #[error("the scheme is not allowed; use https")]
    Scheme,
    /// The URL holds a user name or a password.
    #[error("the URL holds a user name or password; use the settings for signing in")]
    Userinfo,
    /// The URL has a part behind `#`, which is never sent.
    #[error("the URL has a part behind `#`")]
    Fragment,
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// The name is one that only means something inside a network.
    #[error("the host name is for use inside a network only")]
    Name,
    /// The port is not one of those the operator allows.
    #[error("the port is not allowed")]
    Port,
    /// The address belongs to a range that is not public.
    #[error("the address is not public ({0})")]
    Address(&'static str),
    /// The address or name gives out credentials of the machine; no allow-list opens it.
    #[error("the address is never allowed ({0})")]
    Never(&'static str),
}

/// Which ports may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Every port.
    Any,
    /// These, and any port of a host or network on the allow-list.
    Only(Vec<u16>),
}

/// What the operator, never a tenant, allows beyond public https. The default allows nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Allows plain `http`, and port 80 with it.
    pub allow_http: bool,
    /// Networks that may be called although they are not public. Never opens [`Denied::Never`].
    pub allow_nets: Vec<IpNet>,
    /// Names that may be called whatever their addresses are, in lower case: a full name, `.suffix` for every
    /// name below it, or `*`. Never opens [`Denied::Never`].
    pub allow_hosts: Vec<String>,
    /// Ports that may be called.
    pub ports: Ports,
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_nets: Vec::new(),
            allow_hosts: Vec::new(),
            ports: Ports::Only(vec![443, 8443]),
        }
    }
}

impl EgressPolicy {
    /// For requests whose URL the person at the keyboard typed, as the command line's own: anything but
    /// addresses that give out credentials. Never for a URL that came from a tenant.
    pub fn unrestricted() -> Self {
        Self {
            allow_http: true,
            allow_nets: Vec::new(),
            allow_hosts: vec!["*".to_owned()],
            ports: Ports::Any,
        }
    }

    /// The same policy for mail servers, whose usual ports take the place of those of web servers; an operator's own
    /// list of ports holds for both. Port 25 is for servers among themselves and not among the usual ones.
    pub fn for_mail(&self) -> Self {
        // Submission with TLS, submission (RFC 8314, 3), and what relays offer where those are closed.
        let usual = Ports::Only(vec![465, 587, 2525]);
        let ports = if self.ports == Self::default().ports { usual } else { self.ports.clone() };
        Self { allow_http: false, ports, ..self.clone() }
    }

    /// Checks all that can be known before the name is looked up.
    ///
    /// # Errors
    /// The first rule that forbids the URL.
    pub fn check_url(&self, url: &Url) -> Result<(), Denied> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Denied::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denied::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(Denied::Fragment);
        }
        let port = url.port_or_known_default().ok_or(Denied::Port)?;
        match url.host().ok_or(Denied::NoHost)? {
            Host::Ipv4(ip) => self.check_peer(url, SocketAddr::new(ip.into(), port)),
            Host::Ipv6(ip) => self.check_peer(url, SocketAddr::new(ip.into(), port)),
            Host::Domain(name) => {
                self.check_name(name)?;
                // With networks on the allow-list the port can only be judged once the address is known.
                if self.is_port_listed(port) || self.is_host_listed(name) || !self.allow_nets.is_empty() {
                    Ok(())
                } else {
                    Err(Denied::Port)
                }
            }
        }
    }

    /// Checks an address that the URL's host led to: before it is dialled, and again whenever a connection to
    /// it is used once more.
    ///
    /// # Errors
    /// The first rule that forbids the address or the port.
    pub fn check_peer(&self, url: &Url, peer: SocketAddr) -> Result<(), Denied> {
        let listed = url.host_str().is_some_and(|host| self.is_host_listed(host));
        match self.check_ip(peer.ip()) {
            Err(Denied::Address(_)) if listed => {}
            other => other?,
        }
        if self.is_port_listed(peer.port()) || listed || self.is_net_listed(peer.ip()) {
            Ok(())
        } else {
            Err(Denied::Port)
        }
    }

    /// Checks one address against the deny table and the allowed networks. An IPv6 address that carries an
    /// IPv4 address is judged by both.
    ///
    /// # Errors
    /// [`Denied::Never`] for addresses no allow-list opens, else [`Denied::Address`].
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Denied> {
        let ip = ip.to_canonical();
        if let Some(what) = never(ip) {
            return Err(Denied::Never(what));
        }
        let inner = match ip {
            IpAddr::V4(_) => [None, None],
            IpAddr::V6(ip) => embedded(ip),
        };
        if let Some(what) = inner.iter().flatten().find_map(|ip| never(IpAddr::V4(*ip))) {
            return Err(Denied::Never(what));
        }
        let Some(what) = not_public(ip) else { return Ok(()) };
        if !self.is_net_listed(ip) {
            return Err(Denied::Address(what));
        }
        // A translator's range on the allow-list opens the way to public addresses, not to private ones.
        inner.into_iter().flatten().try_for_each(|ip| self.check_ip(IpAddr::V4(ip)))
    }

    fn check_name(&self, name: &str) -> Result<(), Denied> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let first = name.split('.').next().unwrap_or(name);
        let is_below =
            |top: &str| name == top || name.strip_suffix(top).is_some_and(|rest| rest.ends_with('.'));
        if name.is_empty() {
            return Err(Denied::NoHost);
        }
        // GCP's and Alibaba's names for the metadata service, and the one of EC2 (cloud-init's default).
        if (first == "metadata" && (name == first || is_below("internal"))) || first == "instance-data" {
            return Err(Denied::Never("metadata service"));
        }
        let is_loopback = is_below("localhost");
        let is_inside = is_loopback || is_below("internal") || is_below("local");
        let is_opened = self.is_host_listed(name)
            || (is_loopback
                && [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
                    .iter()
                    .any(|ip| self.is_net_listed(*ip)));
        if is_inside && !is_opened { Err(Denied::Name) } else { Ok(()) }
    }

    fn is_host_listed(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.allow_hosts
            .iter()
            .any(|it| it == "*" || it == name || (it.starts_with('.') && name.ends_with(it.as_str())))
    }

    fn is_net_listed(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.allow_nets.iter().any(|net| net.contains(&ip))
    }

    fn is_port_listed(&self, port: u16) -> bool {
        match &self.ports {
            Ports::Any => true,
            Ports::Only(ports) => ports.contains(&port) || (self.allow_http && port == 80),
        }
    }
}

/// Addresses that no allow-list opens: machine credentials, and ranges that can never be a CRM.
fn never(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [0, ..] => Some("unspecified"),
            // AWS, Azure and GCP 169.254.169.254, ECS 169.254.170.2, EKS 169.254.170.23, Scaleway 169.254.42.42.
            [169, 254, ..] => Some("link-local, metadata service"),
            // Alibaba Cloud.
            [100, 100, 100, 200] => Some("metadata service"),
            // Oracle Cloud.
            [192, 0, 0, 192] => Some("metadata service"),
            // Azure WireServer: a public address that gives out certificates of the virtual machine.
            [168, 63, 129, 16] => Some("Azure platform service"),
            [224..=239, ..] => Some("multicast"),
            [240..=255, ..] => Some("reserved"),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
            // AWS fd00:ec2::254 and ::23, GCP fd20:ce::254, Scaleway fd00:42::42.
            [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] | [0xfd00, 0x0042, ..] => Some("metadata service"),
            [0xfe80..=0xfebf, ..] => Some("link-local"),
            [0xff00..=0xffff, ..] => Some("multicast"),
            _ => None,
        },
    }
}

fn not_public(ip: IpAddr) -> Option<&'static str> {
    if let Some(what) = never(ip) {
        return Some(what);
    }
    match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
            [100, 64..=127, ..] => Some("shared"),
            [127, ..] => Some("loopback"),
            [192, 0, 0, _] => Some("special purpose"),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("documentation"),
            [192, 88, 99, _] => Some("6to4 relay"),
            [198, 18..=19, ..] => Some("benchmarking"),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
            [0x2001, 0, ..] => Some("Teredo"),
            [0x2001, 0x0001..=0x01ff, ..] => Some("special purpose"),
            [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("documentation"),
            [0x2002, ..] => Some("6to4"),
            // Only 2000::/3 is given out as global unicast (RFC 4291, 2.4, and the IANA registry).
            [0x2000..=0x3fff, ..] => None,
            [0x0064, 0xff9b, ..] => Some("NAT64"),
            [0xfc00..=0xfdff, ..] => Some("private"),
            _ => Some("not global unicast"),
        },
    }
}

/// The IPv4 addresses an IPv6 address may be translated to on its way.
fn embedded(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let bits = ip.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits(u32::try_from((bits >> shift) & 0xffff_ffff).expect("32 bits"));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => [None, None],
        // Teredo: the server, and the client with its bits inverted (RFC 4380, 4).
        [0x2001, 0, ..] => [Some(at(64)), Some(Ipv4Addr::from_bits(!at(0).to_bits()))],
        // 6to4 (RFC 3056, 2).
        [0x2002, ..] => [Some(at(80)), None],
        // Local-use NAT64 may embed behind 96 bits or behind 48 with a gap at bit 64 (RFC 8215; RFC 6052, 2.2).
        [0x0064, 0xff9b, 1, ..] => {
            let split =
                u32::try_from(((bits >> 64) & 0xffff) << 16 | ((bits >> 40) & 0xffff)).expect("32 bits");
            [Some(at(0)), Some(Ipv4Addr::from_bits(split))]
        }
        // NAT64, IPv4-compatible, and IPv4-translated (RFC 6052; RFC 4291, 2.5.5.1; RFC 2765).
        [0x0064, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            [Some(at(0)), None]
        }
        _ => [None, None],
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
