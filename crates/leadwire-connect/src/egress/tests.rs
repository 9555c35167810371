//! The client against real sockets of this machine: what it dials, what it refuses, and what it says when it fails.

use super::guard::Ports;
use super::resolve::NoAddress;
use super::*;
use crate::test_server::{Act, Server, answer};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::outcome::{Fault, Outcome};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

const NAME: &str = "crm.example.test";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn lab() -> EgressPolicy {
    EgressPolicy {
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
        allow_hosts: Vec::new(),
        ports: Ports::Any,
    }
}

fn egress() -> Egress {
    Egress::new(lab(), None).unwrap()
}

fn get(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).unwrap(), HeaderMap::new(), Bytes::new())
}

fn post(url: &str, body: &'static str) -> Request {
    Request::new(Method::POST, Url::parse(url).unwrap(), HeaderMap::new(), Bytes::from(body))
}

/// Gives one scripted answer after another, then the last one for ever; keeps what it was asked.
struct Scripted {
    answers: Mutex<VecDeque<Vec<SocketAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answers: &[&[&str]], port: u16) -> Arc<Self> {
        let parse = |ip: &&str| SocketAddr::new(ip.parse().unwrap(), port);
        let answers = answers.iter().map(|ips| ips.iter().map(parse).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, name: &'a str, _port: u16) -> BoxFuture<'a, Result<Vec<SocketAddr>, NoAddress>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        async move { next.ok_or(NoAddress::NotFound) }.boxed()
    }
}

fn with(resolver: &Arc<Scripted>) -> Egress {
    Egress::with_resolver(lab(), None, Arc::clone(resolver) as Arc<dyn Resolve>).unwrap()
}

#[track_caller]
fn check_error(error: &SendError, cause: &str, outcome: Outcome) {
    assert_eq!((error.cause, error.outcome()), (cause, outcome), "{error:?}");
}

#[tokio::test]
async fn an_answer_comes_with_its_phases_measured() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let answer = egress().send(post(&server.url("/leads?sig=1"), "{}")).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"ok"[..]));
    assert_eq!(answer.peer, server.addr.ip());
    let timings = answer.timings;
    assert!(timings.dns_us.is_none() && timings.tls_us.is_none());
    assert!(timings.connect_us.is_some() && timings.answer_us.is_some() && timings.total_us.is_some());
    let seen = &server.seen()[0];
    assert!(seen.head.starts_with("POST /leads?sig=1 HTTP/1.1\n"), "{}", seen.head);
    assert_eq!(seen.header("host"), Some(server.addr.to_string().as_str()));
    assert_eq!(seen.header("user-agent"), Some(AGENT));
    assert_eq!(seen.header("accept-encoding"), None);
    assert_eq!(seen.body, "{}");
}

#[test]
fn proxy_variables_are_not_read() {
    let exe = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(exe);
    child.args(["--exact", "egress::tests::an_answer_comes_with_its_phases_measured"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, "http://127.0.0.1:1");
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn two_requests_use_one_connection_and_one_look_up() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let resolver = Scripted::new(&[&["127.0.0.1"]], server.addr.port());
    let egress = with(&resolver);
    let url = format!("http://{NAME}:{}/", server.addr.port());
    let first = egress.send(get(&url)).await.unwrap();
    let second = egress.send(get(&url)).await.unwrap();
    assert_eq!(server.seen().iter().map(|it| it.connection).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(resolver.asked(), 1);
    assert!(first.timings.dns_us.is_some() && first.timings.connect_us.is_some());
    assert!(second.timings.dns_us.is_none() && second.timings.connect_us.is_none());
    assert_eq!(second.peer, server.addr.ip());
}

#[tokio::test]
async fn destinations_do_not_share_connections() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let egress = egress();
    egress.send(get(&server.url("/"))).await.unwrap();
    egress.for_destination().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(server.seen().iter().map(|it| it.connection).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let (closed, mut is_closed) = tokio::sync::mpsc::unbounded_channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(OK.as_bytes()).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let egress = egress();
    for _ in 0..2 {
        assert_eq!(egress.send(get(&url)).await.unwrap().status, StatusCode::OK);
        is_closed.recv().await.unwrap();
    }
    thread.join().unwrap();
}

#[tokio::test]
async fn a_name_with_one_private_address_is_refused_whole() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let url = format!("http://{NAME}:{}/", server.addr.port());
    for answers in [
        &["127.0.0.1", "10.0.0.1"][..],
        &["1.1.1.1", "10.0.0.1"],
        &["127.0.0.1", "::ffff:10.0.0.1"],
        &["127.0.0.1", "169.254.169.254"],
        &["127.0.0.1", "64:ff9b::a9fe:a9fe"],
    ] {
        let error = with(&Scripted::new(&[answers], server.addr.port())).send(get(&url)).await.unwrap_err();
        check_error(&error, "egress_denied", Outcome::NotDone(Fault::Pause));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_name_that_flips_is_dialled_where_it_was_checked_and_checked_again() {
    let server = Server::start(|_| Act::SayAndClose(answer("200 OK", "connection: close\r\n", "")));
    let resolver = Scripted::new(&[&["127.0.0.1"], &["10.0.0.1"]], server.addr.port());
    let egress = with(&resolver);
    let url = format!("http://{NAME}:{}/", server.addr.port());
    let first = egress.send(get(&url)).await.unwrap();
    assert_eq!((first.peer, resolver.asked()), (server.addr.ip(), 1));
    assert_eq!(server.seen()[0].header("host"), Some(format!("{NAME}:{}", server.addr.port()).as_str()));
    let error = egress.send(get(&url)).await.unwrap_err();
    check_error(&error, "egress_denied", Outcome::NotDone(Fault::Pause));
    assert_eq!((resolver.asked(), server.seen().len()), (2, 1));
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_like_any_other() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let egress = Egress::new(EgressPolicy { allow_nets: Vec::new(), ..lab() }, None).unwrap();
    for url in [server.url("/"), format!("http://2130706433:{}/", server.addr.port())] {
        let error = egress.send(get(&url)).await.unwrap_err();
        check_error(&error, "egress_denied", Outcome::NotDone(Fault::Pause));
        assert!(
            !error.message.contains("2130706433") && !error.message.contains("127.0.0.1"),
            "{}",
            error.message
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = Server::start(|_| {
        Act::Say(answer(
            "301 Moved Permanently",
            "location: http://169.254.169.254/latest/meta-data/\r\n",
            "",
        ))
    });
    let answer = egress().send(get(&server.url("/"))).await.unwrap();
    assert_eq!(answer.status.as_u16(), 301);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_name_without_address_is_a_fault_that_may_need_a_person() {
    let error = with(&Scripted::new(&[], 80)).send(get(&format!("http://{NAME}/"))).await.unwrap_err();
    check_error(&error, "dns_not_found", Outcome::NotDone(Fault::RetryThenPause { attempts: 5 }));
    assert!(error.timings.dns_us.is_some() && error.peer.is_none());
}

#[tokio::test]
async fn a_refused_connection_wrote_nothing() {
    // Nothing listens on this address; the listener on another one keeps the port from being given out.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.9:{}/", listener.local_addr().unwrap().port());
    let error = egress().send(post(&url, "{}")).await.unwrap_err();
    check_error(&error, "connection_refused", Outcome::NotDone(Fault::RetryAfter(None)));
    assert_eq!(error.peer, Some("127.0.0.9".parse().unwrap()));
}

#[tokio::test]
async fn the_next_address_is_dialled_when_one_refuses() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    // The server listens on 127.0.0.1 only.
    let resolver = Scripted::new(&[&["127.0.0.2", "127.0.0.1"]], server.addr.port());
    let answer = with(&resolver).send(get(&format!("http://{NAME}:{}/", server.addr.port()))).await.unwrap();
    assert_eq!(answer.peer, server.addr.ip());
}

#[tokio::test]
async fn a_server_that_hangs_leaves_the_outcome_unknown() {
    let server = Server::start(|_| Act::Hang);
    let mut request = post(&server.url("/"), "{}");
    request.wait = Duration::from_millis(200);
    let error = egress().send(request).await.unwrap_err();
    check_error(&error, "answer_timeout", Outcome::Unknown);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_before_tls_has_nothing_written() {
    // The kernel takes the connection; nobody accepts it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut request = post(&format!("https://{}/", listener.local_addr().unwrap()), "{}");
    request.wait = Duration::from_millis(200);
    let error = egress().send(request).await.unwrap_err();
    check_error(&error, "connect_timeout", Outcome::NotDone(Fault::RetryAfter(None)));
}

#[tokio::test]
async fn an_answer_that_is_cut_leaves_the_outcome_unknown() {
    for (text, cause, status) in [
        ("", "connection_lost", None),
        ("HTTP/1.1 20", "connection_lost", None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "connection_lost", Some(200)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "connection_lost", Some(200)),
        ("SSH-2.0-OpenSSH_9.9\r\n", "answer_not_http", None),
    ] {
        let server = Server::start(|_| Act::SayAndClose(text.to_owned()));
        let error = egress().send(post(&server.url("/"), "{}")).await.unwrap_err();
        check_error(&error, cause, Outcome::Unknown);
        assert_eq!(error.http_status, status, "{text}");
        assert_eq!(server.seen().len(), 1, "{text}");
    }
}

#[tokio::test]
async fn an_endless_head_is_not_read_to_its_end() {
    let server = Server::start(|_| Act::Flood("HTTP/1.1 200 OK\r\nx-long: ".to_owned(), 200_000_000));
    let error = egress().send(get(&server.url("/"))).await.unwrap_err();
    check_error(&error, "answer_head_too_large", Outcome::Unknown);
}

#[tokio::test]
async fn a_body_of_200_mb_is_read_up_to_the_bound_only() {
    let server = Server::start(|_| {
        Act::Flood("HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n".to_owned(), 200_000_000)
    });
    let egress = egress();
    let answer = egress.send(get(&server.url("/"))).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.len(), answer.is_truncated),
        (200, ANSWER_BYTES_MAX, true)
    );
    // The connection still holds the rest, so the next request has one of its own.
    egress.send(get(&server.url("/"))).await.unwrap();
    assert_eq!(server.seen().last().map(|it| it.connection), Some(1));
}

#[tokio::test]
async fn a_body_as_long_as_the_bound_is_whole() {
    let server = Server::start(|_| Act::Say(answer("200 OK", "", &"x".repeat(1000))));
    for (bytes_max, is_truncated) in [(1000, false), (999, true), (0, true)] {
        let request = Request { answer_bytes_max: bytes_max, ..get(&server.url("/")) };
        let answer = egress().send(request).await.unwrap();
        assert_eq!((answer.body.len(), answer.is_truncated), (bytes_max.min(1000), is_truncated));
    }
}

#[tokio::test]
async fn the_unrestricted_policy_of_the_command_line_reaches_this_machine() {
    let server = Server::start(|_| Act::Say(OK.to_owned()));
    let egress = Egress::new(EgressPolicy::unrestricted(), None).unwrap();
    let url = format!("http://localhost:{}/healthz", server.addr.port());
    let answer = egress.send(get(&url)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let error = egress.send(get("http://169.254.169.254/")).await.unwrap_err();
    check_error(&error, "egress_denied", Outcome::NotDone(Fault::Pause));
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

/// A TLS server whose certificate is for `name` and ends in `year`.
fn tls_server(authority: &Authority, name: &str, year: i32) -> Server {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    Server::start_over(
        move |stream| {
            Some(rustls::StreamOwned::new(
                rustls::ServerConnection::new(Arc::clone(&config)).unwrap(),
                stream,
            ))
        },
        |_| Act::Say(OK.to_owned()),
    )
}

async fn over_tls(server: &Server, extra_ca_pem: Option<&str>) -> Result<Answer, Box<SendError>> {
    let resolver = Scripted::new(&[&["127.0.0.1"]], server.addr.port());
    let egress = Egress::with_resolver(lab(), extra_ca_pem.map(str::as_bytes), resolver).unwrap();
    egress.send(post(&format!("https://{NAME}:{}/", server.addr.port()), "{}")).await
}

#[tokio::test]
async fn an_authority_of_the_operator_is_trusted_and_an_unknown_one_is_not() {
    let authority = authority();
    let server = tls_server(&authority, NAME, 4000);
    let answer = over_tls(&server, Some(&authority.pem)).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.timings.dns_us.is_some() && answer.timings.tls_us.is_some());
    let error = over_tls(&server, None).await.unwrap_err();
    check_error(&error, "tls_certificate_untrusted", Outcome::NotDone(Fault::RetryThenPause { attempts: 5 }));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_over_tls_is_used_again() {
    let authority = authority();
    let server = tls_server(&authority, NAME, 4000);
    let resolver = Scripted::new(&[&["127.0.0.1"]], server.addr.port());
    let egress = Egress::with_resolver(lab(), Some(authority.pem.as_bytes()), resolver).unwrap();
    let url = format!("https://{NAME}.:{}/", server.addr.port());
    for is_first in [true, false] {
        let answer = egress.send(post(&url, "{}")).await.unwrap();
        assert_eq!(answer.timings.tls_us.is_some(), is_first);
    }
    assert_eq!(server.seen().iter().map(|it| it.connection).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_named() {
    let authority = authority();
    for (name, year, cause) in
        [("other.example.test", 4000, "tls_certificate_name"), (NAME, 2021, "tls_certificate_expired")]
    {
        let server = tls_server(&authority, name, year);
        let error = over_tls(&server, Some(&authority.pem)).await.unwrap_err();
        check_error(&error, cause, Outcome::NotDone(Fault::RetryThenPause { attempts: 5 }));
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_named_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = egress().send(get(&format!("https://{addr}/"))).await.unwrap_err();
    check_error(&error, "tls_not_spoken", Outcome::NotDone(Fault::RetryThenPause { attempts: 5 }));
    thread.join().unwrap();
}

#[test]
fn extra_certificates_must_be_certificates() {
    for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        assert!(Egress::new(lab(), Some(pem.as_bytes())).is_err(), "{pem}");
    }
}
