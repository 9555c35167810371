//! The HTTP server and the one way in: limits, authentication, and the decision, before any handler runs.

use super::audit;
use super::call::Call;
use super::endpoints::{ENDPOINTS, Endpoint, Tenancy};
use super::mask;
use super::page;
use super::problem::Problem;
use super::taken::Taken;
use crate::access::{self, Action, Decision};
use crate::app::App;
use crate::clock;
use crate::directory::Snapshot;
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use leadwire_core::id::{PublisherId, RequestId};
use leadwire_core::limits;
use leadwire_core::secret::Secret;
use leadwire_store::audit::telling;
use leadwire_store::waiting_at_most;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// The server of the API.
pub struct Server {
    router: Router,
    /// How long each answer waits for a database server.
    wait: Duration,
}

impl Server {
    /// Makes the router from the table of endpoints.
    pub fn new(app: &Arc<App>) -> Self {
        let mut router = Router::new();
        for endpoint in ENDPOINTS {
            let app = Arc::clone(app);
            let filter =
                MethodFilter::try_from(endpoint.method.clone()).expect("only usual methods are in the table");
            router = router.route(
                endpoint.path,
                on(filter, move |path: Result<RawPathParams, _>, request: Request| {
                    let app = Arc::clone(&app);
                    async move { answer(app, endpoint, path.ok(), request).await }
                }),
            );
        }
        let router = router
            .method_not_allowed_fallback(|| async {
                let problem = Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "this address does not take this method",
                    "see /openapi.json for the methods of each address",
                );
                problem.into_answer(RequestId::new(clock::random_bits()))
            })
            .fallback(|| async { Problem::not_found().into_answer(RequestId::new(clock::random_bits())) });
        Self { router, wait: app.config.answer_wait }
    }

    /// The same with further addresses, which none of the API's is like.
    #[must_use]
    pub fn beside(self, others: Router) -> Self {
        Self { router: self.router.merge(others), ..self }
    }

    /// The router alone, for callers within the process.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `stop`, then lets requests in hand finish.
    pub async fn serve(self, listener: TcpListener, stop: watch::Receiver<bool>) {
        serve_router((self.router, self.wait), listener, stop).await;
    }
}

/// Serves the metrics on a listener of their own until `stop`.
pub async fn serve_metrics(app: Arc<App>, listener: TcpListener, stop: watch::Receiver<bool>) {
    let router = Router::new().route(
        "/metrics",
        axum::routing::get(move || {
            let app = Arc::clone(&app);
            async move {
                let kind =
                    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
                ([(header::CONTENT_TYPE, kind)], app.render_metrics())
            }
        }),
    );
    // Nothing in them is asked of a database.
    serve_router((router, limits::SENDER_WAIT), listener, stop).await;
}

async fn serve_router(
    (router, wait): (Router, Duration),
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot.expect("the semaphore is never closed"),
            () = stopped(&mut stop) => break,
        };
        let (stream, peer) = tokio::select! {
            // Cancel-safe: a connection that was not accepted stays in the kernel's queue.
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
                // Mostly out of file descriptors: then the next one fails as well, until some are free again.
                Err(error) => {
                    tracing::warn!(%error, "Could not accept a connection. Raise the limit of open files if it lasts.");
                    // An error means that the time is over; a stop is seen at the top of the loop.
                    tokio::time::timeout(limits::ACCEPT_AGAIN, stopped(&mut stop)).await.ok();
                    continue;
                }
            },
            () = stopped(&mut stop) => break,
            // Finished connections are taken out as they end, so that the set stays small.
            Some(_) = connections.join_next() => continue,
        };
        // Small answers should leave at once. An error here costs latency only.
        stream.set_nodelay(true).ok();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::REQUEST_HEAD_WAIT)
            .max_buf_size(limits::REQUEST_HEAD_BYTES_MAX.max(64 * 1024))
            // A client may close its side once it has sent all; it still waits for the answer.
            .half_close(true)
            .serve_connection(
                TokioIo::new(Taken::new(stream, limits::ANSWER_TAKEN_WAIT)),
                of_peer((router.clone(), wait), peer),
            );
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // An error is the client's: it hung up or broke the protocol, and hyper has answered what it could.
            connection.await.ok();
            drop(slot);
        });
    }
    drop(listener);
    // Requests in hand finish; a client that does not read its answer is not waited for beyond the body's time.
    let finished = tokio::time::timeout(limits::REQUEST_BODY_WAIT, graceful.shutdown()).await;
    if finished.is_err() {
        connections.shutdown().await;
    }
}

/// Tells every request of a connection from where it comes, and has none of them wait for a database that hangs.
fn of_peer(
    (router, wait): (Router, Duration),
    peer: IpAddr,
) -> impl Service<hyper::Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    let router = TowerToHyperService::new(router);
    service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        waiting_at_most(wait, router.call(request))
    })
}

/// The network address at the other end of the connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Waits for the word to stop. The receiver's lock is let go at once: it must not be held across a wait.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|it| *it).await);
}

async fn answer(
    app: Arc<App>,
    endpoint: &'static Endpoint,
    path: Option<RawPathParams>,
    request: Request,
) -> Response {
    let id = RequestId::new(clock::random_bits());
    let reader = (endpoint.action == Action::Visit).then(|| page::Reader::of(&app, request.headers()));
    // A panic in a handler costs this request alone.
    let answered = AssertUnwindSafe(let_in(app, endpoint, path, request, id)).catch_unwind().await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => failed(problem, id, reader.as_ref()),
        Err(_) => failed(Problem::internal("its handler panicked"), id, reader.as_ref()),
    };
    let headers = response.headers_mut();
    headers.insert("x-request-id", HeaderValue::from_str(&id.to_string()).expect("an id is ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What went wrong, for programs; for a reader of pages, as a page.
fn failed(problem: Problem, id: RequestId, reader: Option<&page::Reader>) -> Response {
    match reader {
        None => problem.into_answer(id),
        Some(reader) => reader.tell(problem, id),
    }
}

async fn let_in(
    app: Arc<App>,
    endpoint: &'static Endpoint,
    path: Option<RawPathParams>,
    request: Request,
    id: RequestId,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    check_head(&head)?;
    let is_visit = endpoint.action == Action::Visit;
    let query = match parse_query(head.uri.query().unwrap_or("")) {
        Ok(query) => query,
        // Whoever sends visitors to a page may add a parameter that is there already: the page reads them by itself.
        Err(_) if is_visit => HashMap::new(),
        Err(problem) => return Err(problem),
    };
    let setup = app.directory.now();
    let (actor, publisher) = if is_visit || matches!(endpoint.action, Action::Open | Action::SendToAddress) {
        (None, None)
    } else {
        let actor = bearer(&head.headers)
            .and_then(|key| setup.actor(key, &*app.clock))
            .ok_or_else(Problem::unauthorized)?;
        let publisher = admit(endpoint, &actor, &query, &setup)?;
        (Some(actor), publisher)
    };
    let body = read_body(body, endpoint.body_bytes_max.max(limits::IGNORED_BODY_BYTES_MAX)).await?;
    // A path that is not UTF-8 names nothing that exists.
    let path = path.ok_or_else(Problem::not_found)?;
    let path = path.iter().map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned()))).collect();
    let peer = head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0);
    let (headers, address) = (head.headers, head.uri);
    let call = Call { app, request: id, actor, publisher, path, query, address, headers, body, peer };
    handle(endpoint, call).await
}

/// Whether an actor may use an endpoint, and for whose things.
pub(super) fn admit(
    endpoint: &Endpoint,
    actor: &access::Actor,
    query: &HashMap<String, String>,
    setup: &Snapshot,
) -> Result<Option<PublisherId>, Problem> {
    let publisher = publisher_of(endpoint, actor, query)?;
    let known = publisher.as_ref().map(|it| (it, setup.has_publisher(it)));
    match access::decide(actor, endpoint.action, known) {
        Decision::Allow => Ok(publisher),
        Decision::Forbid => Err(Problem::forbidden()),
        Decision::Hide => Err(Problem::not_found()),
    }
}

/// Answers a request that was let in; what it changes is told under its actor's name.
pub(super) async fn handle(endpoint: &Endpoint, call: Call) -> Result<Response, Problem> {
    let is_masked = mask::is_due(endpoint, &call);
    let answer = match audit::deed_of(endpoint, &call) {
        Some(deed) => telling(deed, (endpoint.handler)(call)).await?,
        None => (endpoint.handler)(call).await?,
    };
    if is_masked { mask::masked(answer).await } else { Ok(answer) }
}

/// Hyper caps the head at a size that fits its buffer; the precise bound is held here.
fn check_head(head: &Parts) -> Result<(), Problem> {
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let address = head.uri.path_and_query().map_or(0, |it| it.as_str().len());
    if headers.sum::<usize>() + address > limits::REQUEST_HEAD_BYTES_MAX {
        return Err(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            "the request's address and headers are too large",
            format!("keep them below {} bytes", limits::REQUEST_HEAD_BYTES_MAX),
        ));
    }
    // Which of two keys counts would be a guess, and another program on the way may guess otherwise.
    let is_twice = |name: &&str| head.headers.get_all(*name).iter().count() > 1;
    match ["authorization", "idempotency-key"].iter().find(|it| is_twice(it)) {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "header_twice",
            format!("the header `{name}` is there more than once"),
            "send it once",
        )),
    }
}

/// The parameters of the query. One that is there twice is refused, since which of them counts would be a guess.
fn parse_query(text: &str) -> Result<HashMap<String, String>, Problem> {
    let mut query = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()).into_owned() {
        if query.insert(name, value).is_some() {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "query_twice",
                "a query parameter is there more than once",
                "name each parameter once",
            ));
        }
    }
    Ok(query)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

fn publisher_of(
    endpoint: &Endpoint,
    actor: &access::Actor,
    query: &HashMap<String, String>,
) -> Result<Option<PublisherId>, Problem> {
    let named = match query.get("publisher") {
        // A name that cannot be one is as missing as one that is not there.
        Some(text) => Some(PublisherId::parse(text).map_err(|_| Problem::not_found())?),
        None => actor.publisher.clone(),
    };
    match endpoint.tenancy {
        Tenancy::Service => Ok(None),
        Tenancy::Either => Ok(named),
        Tenancy::Publisher if named.is_none() => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "publisher_missing",
            "an operator's key belongs to no publisher",
            "name one with `?publisher=`",
        )),
        Tenancy::Publisher => Ok(named),
    }
}

pub(crate) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is too large",
            format!("keep it below {bytes_max} bytes; nothing was stored"),
        )
    };
    if hyper::body::Body::size_hint(&body).lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let reading = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(limits::REQUEST_BODY_WAIT, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body_cut",
            "the body ended before it was whole",
            "send it again; nothing was stored",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the body took too long to arrive",
            "send it again; nothing was stored",
        )),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.into_answer(RequestId::new(clock::random_bits()))
    }
}
