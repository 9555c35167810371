//! The vectors of the deny table, in every spelling we know of.

use super::*;
use proptest::prelude::*;

fn policy(allow_nets: &[&str], allow_hosts: &[&str]) -> EgressPolicy {
    EgressPolicy {
        allow_nets: allow_nets.iter().map(|it| it.parse().expect("a network")).collect(),
        allow_hosts: allow_hosts.iter().map(|it| (*it).to_owned()).collect(),
        ..EgressPolicy::default()
    }
}

fn lab() -> EgressPolicy {
    EgressPolicy { allow_http: true, ports: Ports::Any, ..EgressPolicy::default() }
}

#[track_caller]
fn check(policy: &EgressPolicy, url: &str, expected: Result<(), Denied>) {
    let parsed = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert_eq!(policy.check_url(&parsed), expected, "{url}");
}

fn kind(result: Result<(), Denied>) -> &'static str {
    match result {
        Ok(()) => "allowed",
        Err(Denied::Address(_)) => "address",
        Err(Denied::Never(_)) => "never",
        Err(_) => "other",
    }
}

#[track_caller]
fn check_ip(policy: &EgressPolicy, ip: &str, expected: &str) {
    assert_eq!(kind(policy.check_ip(ip.parse().expect("an address"))), expected, "{ip}");
}

/// First and last address of every range of the deny table, and single addresses worth naming.
const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.42.42",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.0",
    "192.0.2.255",
    "192.88.99.0",
    "192.88.99.1",
    "192.88.99.255",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::2",
    "::ffff:0:0:0",
    "::ffff:0:10.0.0.1",
    "64:ff9b::",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::",
    "100::1",
    "5f00::1",
    "fc00::",
    "fd00::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::1",
    "febf:ffff::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ffff::",
    "1fff:ffff::1",
    "4000::",
    "2001::",
    "2001:0:1::1",
    "2001:1::1",
    "2001:2::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2001:db8:ffff:ffff::1",
    "2002::",
    "2002:ffff::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "168.63.129.15",
    "168.63.129.17",
    "2000::1",
    "2001:200::1",
    "2001:db7::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "3ffe::1",
    "3fff:1000::1",
    "::ffff:8.8.8.8",
];

#[test]
fn every_range_of_the_deny_table_is_refused_from_its_first_to_its_last_address() {
    for ip in NOT_PUBLIC {
        let ip: IpAddr = ip.parse().expect("an address");
        assert!(EgressPolicy::default().check_ip(ip).is_err(), "{ip}");
    }
    for ip in PUBLIC {
        check_ip(&EgressPolicy::default(), ip, "allowed");
    }
}

/// Every spelling of an IPv4 address that a URL parser or a translator may turn back into it.
fn spellings(ip: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = ip.octets();
    let bits = ip.to_bits();
    let low = bits & 0xffff;
    let low24 = bits & 0xff_ffff;
    let (high_hex, low_hex) = (bits >> 16, low);
    vec![
        format!("http://{ip}/"),
        format!("http://{ip}./"),
        format!("http://{bits}/"),
        format!("http://{bits:#x}/"),
        format!("http://{bits:#X}/").replace("0X", "0x"),
        format!("http://0{bits:o}/"),
        format!("http://{a:#x}.{b:#x}.{c:#x}.{d:#x}/"),
        format!("http://0{a:o}.0{b:o}.0{c:o}.0{d:o}/"),
        format!("http://{a}.{low24}/"),
        format!("http://{a}.{b}.{low}/"),
        format!("http://{a:#x}.{low24}/"),
        format!("http://{a}.{b:#x}.0{low:o}/"),
        format!("http://{}/", ip.to_string().replace('.', "。")),
        format!("http://{}/", ip.to_string().chars().map(full_width).collect::<String>()),
        format!("http://{}/", ip.to_string().bytes().map(|it| format!("%{it:02x}")).collect::<String>()),
        format!("http:\\\\{ip}\\"),
        format!("http:{ip}"),
        format!("http://{ip}:443\\@example.com/"),
        format!("http://\t{ip}\n/"),
        format!("http://[::ffff:{ip}]/"),
        format!("http://[::ffff:{high_hex:x}:{low_hex:x}]/"),
        format!("http://[0:0:0:0:0:ffff:{ip}]/"),
        format!("http://[::{ip}]/"),
        format!("http://[::ffff:0:{ip}]/"),
        format!("http://[64:ff9b::{ip}]/"),
        format!("http://[64:ff9b::{high_hex:x}:{low_hex:x}]/"),
        format!("http://[64:ff9b:1::{ip}]/"),
        format!("http://[64:ff9b:1:{high_hex:x}:{:x}:{:x}::]/", low >> 8, (low & 0xff) << 8),
        format!("http://[2002:{high_hex:x}:{low_hex:x}::]/"),
        format!("http://[2002:{high_hex:x}:{low_hex:x}::1]/"),
        format!("http://[2001:0:808:808:0:0:{:x}:{:x}]/", !bits >> 16, !bits & 0xffff),
        format!("http://[2001:0:{high_hex:x}:{low_hex:x}::1]/"),
    ]
}

fn full_width(it: char) -> char {
    it.to_digit(10).and_then(|digit| char::from_u32(0xff10 + digit)).unwrap_or(it)
}

#[test]
fn an_address_is_refused_in_every_spelling() {
    let policy = lab();
    let mut seen = 0;
    for ip in NOT_PUBLIC.iter().filter_map(|it| it.parse::<Ipv4Addr>().ok()) {
        for url in spellings(ip) {
            let parsed = Url::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert!(policy.check_url(&parsed).is_err(), "{url} -> {:?}", parsed.host());
            seen += 1;
        }
    }
    assert!(seen >= 1000, "{seen} spellings");
}

#[test]
fn machine_credentials_stay_out_of_reach_of_every_allow_list() {
    let open =
        EgressPolicy { allow_nets: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()], ..lab() };
    let open_hosts = EgressPolicy { allow_hosts: vec!["*".to_owned()], ..open.clone() };
    let metadata = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.42.42",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    ];
    for ip in metadata {
        for url in spellings(ip.parse().unwrap()) {
            let parsed = Url::parse(&url).expect("a URL");
            assert_eq!(kind(open_hosts.check_url(&parsed)), "never", "{url}");
        }
    }
    for ip in ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::1", "::", "ff02::1"] {
        check_ip(&open, ip, "never");
    }
    for ip in ["10.1.2.3", "127.0.0.1", "::1", "fd00::1", "64:ff9b::808:808", "2002:808:808::"] {
        check_ip(&open, ip, "allowed");
    }
    check_ip(&policy(&["10.1.0.0/16"], &[]), "169.254.169.254", "never");
    check_ip(&policy(&["169.254.0.0/16"], &[]), "169.254.169.254", "never");
}

#[test]
fn an_allowed_network_opens_itself_and_no_more() {
    let policy = policy(&["10.1.0.0/16", "64:ff9b::/96"], &[]);
    for (ip, expected) in [
        ("10.1.2.3", "allowed"),
        ("::ffff:10.1.2.3", "allowed"),
        ("10.2.0.1", "address"),
        ("127.0.0.1", "address"),
        ("64:ff9b::808:808", "allowed"),
        ("64:ff9b::10.1.2.3", "allowed"),
        ("64:ff9b::10.2.0.1", "address"),
        ("64:ff9b::169.254.169.254", "never"),
        ("2002:a01:203::", "address"),
    ] {
        check_ip(&policy, ip, expected);
    }
}

#[test]
fn the_vectors_of_the_url_parser_are_judged_by_their_host() {
    let loopback = Err(Denied::Address("loopback"));
    let metadata = Err(Denied::Never("link-local, metadata service"));
    for (url, expected) in [
        ("http://0x7f000001/", loopback),
        ("http://2130706433/", loopback),
        ("http://0177.0.0.1/", loopback),
        ("http://127.1/", loopback),
        ("http://0x7f.1/", loopback),
        ("http://127.0.0.1./", loopback),
        ("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/", metadata),
        ("http://0/", Err(Denied::Never("unspecified"))),
        ("http://0x/", Err(Denied::Never("unspecified"))),
        ("http://[::ffff:169.254.169.254]/", metadata),
        ("http://[::ffff:a9fe:a9fe]/", metadata),
        ("http://[64:ff9b::a9fe:a9fe]/", metadata),
        ("http://[2002:a9fe:a9fe::]/", metadata),
        ("http://[::127.0.0.1]/", Err(Denied::Address("not global unicast"))),
        ("http://metadata.google.internal./", Err(Denied::Never("metadata service"))),
        ("http://metadata.google.internal/", Err(Denied::Never("metadata service"))),
        ("http://metadata/", Err(Denied::Never("metadata service"))),
        ("http://instance-data./", Err(Denied::Never("metadata service"))),
        ("http://instance-data.ec2.internal/", Err(Denied::Never("metadata service"))),
        ("http://user:pw@169.254.169.254/", Err(Denied::Userinfo)),
        ("http://user@example.com/", Err(Denied::Userinfo)),
        ("http://:pw@example.com/", Err(Denied::Userinfo)),
        ("http://127.0.0.1:443\\@example.com/", loopback),
        ("http://127.0.0.1%2f@example.com/", Err(Denied::Userinfo)),
        ("http://example.com#@127.0.0.1/", Err(Denied::Fragment)),
        ("https://LOCALHOST/", Err(Denied::Name)),
        ("https://localhost./", Err(Denied::Name)),
        ("https://a.localhost/", Err(Denied::Name)),
        ("https://crm.corp.internal/", Err(Denied::Name)),
        ("https://internal/", Err(Denied::Name)),
        ("https://printer.local./", Err(Denied::Name)),
        ("ftp://example.com/", Err(Denied::Scheme)),
        ("file:///etc/passwd", Err(Denied::Scheme)),
        ("gopher://127.0.0.1/", Err(Denied::Scheme)),
        ("https://example.com/", Ok(())),
        ("https://notlocalhost/", Ok(())),
        ("https://metadata.example.com/", Ok(())),
        ("https://example.com./hook?sig=1", Ok(())),
    ] {
        check(&lab(), url, expected);
    }
    for url in
        ["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://1.1.1.256/", "https://exa mple.com/"]
    {
        assert!(Url::parse(url).is_err(), "{url}");
    }
}

#[test]
fn scheme_and_port_follow_the_policy() {
    let default = EgressPolicy::default();
    check(&default, "http://example.com/", Err(Denied::Scheme));
    check(&default, "https://example.com/", Ok(()));
    check(&default, "https://example.com:8443/", Ok(()));
    check(&default, "https://example.com:6379/", Err(Denied::Port));
    check(&default, "https://1.1.1.1:22/", Err(Denied::Port));
    check(&EgressPolicy { allow_http: true, ..default }, "http://example.com/", Ok(()));
    let inside = policy(&["10.0.0.0/8"], &["crm.corp.internal", ".lan.example"]);
    check(&inside, "https://10.0.0.5:9443/", Ok(()));
    check(&inside, "https://1.1.1.1:9443/", Err(Denied::Port));
    check(&inside, "https://crm.corp.internal:9443/", Ok(()));
    check(&inside, "https://other.corp.internal/", Err(Denied::Name));
    check(&inside, "https://a.lan.example:9443/", Ok(()));
    // The port of a name is judged with its address once a network is allowed.
    let url = Url::parse("https://crm.example.com:9443/").unwrap();
    assert_eq!(inside.check_url(&url), Ok(()));
    assert_eq!(inside.check_peer(&url, "10.0.0.5:9443".parse().unwrap()), Ok(()));
    assert_eq!(inside.check_peer(&url, "1.1.1.1:9443".parse().unwrap()), Err(Denied::Port));
}

#[test]
fn an_allowed_host_may_have_a_private_address_but_not_that_of_the_metadata_service() {
    let policy = policy(&[], &["crm.corp.internal"]);
    let url = Url::parse("https://CRM.corp.internal./").unwrap();
    assert_eq!(policy.check_url(&url), Ok(()));
    assert_eq!(policy.check_peer(&url, "10.0.0.5:443".parse().unwrap()), Ok(()));
    assert_eq!(kind(policy.check_peer(&url, "169.254.169.254:443".parse().unwrap())), "never");
    let other = Url::parse("https://example.com/").unwrap();
    assert_eq!(kind(policy.check_peer(&other, "10.0.0.5:443".parse().unwrap())), "address");
}

#[test]
fn loopback_names_open_with_the_loopback_network() {
    let policy = EgressPolicy { allow_nets: vec!["127.0.0.0/8".parse().unwrap()], ..lab() };
    check(&policy, "http://localhost:8080/", Ok(()));
    check(&policy, "http://127.0.0.1:8080/", Ok(()));
    check(&policy, "http://printer.local/", Err(Denied::Name));
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in ".*") {
        if let Ok(url) = Url::parse(&text) {
            prop_assert!(EgressPolicy::default().check_url(&url).is_err() || url.scheme() == "https");
        }
    }

    #[test]
    fn only_global_unicast_is_ever_allowed(bits: u128) {
        let ip = Ipv6Addr::from_bits(bits);
        if EgressPolicy::default().check_ip(IpAddr::V6(ip)).is_ok() {
            let is_mapped = ip.to_ipv4_mapped().is_some();
            prop_assert!(is_mapped || (ip.segments()[0] & 0xe000) == 0x2000);
        }
    }
}
