//! Errors as RFC 9457 problem details: what is wrong, where, and how to mend it; never a value from the input.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use leadwire_core::id::RequestId;
use leadwire_core::refusal::Refusal;
use leadwire_store::StoreError;
use serde_json::{Value, json};

/// An answer that says what went wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    fix: String,
    errors: Vec<Refusal>,
    retry_after_seconds: Option<u32>,
    /// What the operator finds in the log, and who asked never sees.
    cause: Option<Box<str>>,
}

impl Problem {
    /// Puts one together.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (detail, fix) = (detail.into(), fix.into());
        Self { status, code, detail, fix, errors: Vec::new(), retry_after_seconds: None, cause: None }
    }

    /// No good key was shown. The same for a missing, malformed, unknown, expired and revoked one.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "no valid API key was sent",
            "send `Authorization: Bearer lw_live_…` with a key from `leadwire key add`",
        )
    }

    /// The key's role does not allow this.
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "the role of this API key does not allow this",
            "use a key whose role allows it; `leadwire key add --help` says what each role is for",
        )
    }

    /// It is not there, or not for this key to know.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing here",
            "check the address and the ids in it",
        )
    }

    /// The input is refused, with everything that is wrong with it.
    pub fn refused(errors: Vec<Refusal>) -> Self {
        let (code, detail, fix) = match errors.as_slice() {
            [only] => (only.code, only.message.clone(), only.fix.clone()),
            _ => (
                "refused",
                format!("{} things are wrong with the input", errors.len()),
                "see `errors`".to_owned(),
            ),
        };
        // What is not JSON at all is a bad request; JSON that is not a touchpoint cannot be processed.
        let is_no_json = code.starts_with("json_");
        let status = if is_no_json { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
        Self { errors, ..Self::new(status, code, detail, fix) }
    }

    /// The same with everything that it is about.
    pub fn with_errors(self, errors: Vec<Refusal>) -> Self {
        Self { errors, ..self }
    }

    /// The same with another status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Not now: come again after so many seconds.
    pub fn try_again(code: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                detail,
                "send it again later; nothing was stored",
            )
        }
    }

    /// A mistake of ours. Its cause is logged under the request's id, once it is answered.
    pub fn internal(cause: impl Into<Box<str>>) -> Self {
        let fix = "the operator finds the reason in the log under this request id";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let problem = Self::new(status, "internal", "the service could not do this", fix);
        Self { cause: Some(cause.into()), ..problem }
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Everything that is wrong, with its places.
    pub(crate) fn errors(&self) -> &[Refusal] {
        &self.errors
    }

    /// What is wrong, and how to mend it.
    pub(crate) fn words(&self) -> (&str, &str) {
        match self.errors.as_slice() {
            [first, ..] => (&first.message, &first.fix),
            [] => (&self.detail, &self.fix),
        }
    }

    /// As JSON, for an item of a batch too.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "type": format!("urn:leadwire:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "fix": self.fix,
        });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.iter().map(refusal_json).collect();
        }
        body
    }

    /// As the answer to a request.
    pub fn into_answer(self, request: RequestId) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(request.id = %request, cause, "A request failed by a mistake of ours. Please report this.");
        }
        let mut body = self.to_json();
        body["request_id"] = json!(request.to_string());
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({
        "pointer": refusal.pointer,
        "code": refusal.code,
        "message": refusal.message,
        "fix": refusal.fix,
    })
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::refused(vec![refusal])
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::try_again("disk_full", "the disk of the service is full", 60),
            StoreError::Busy => Self::try_again("busy", "the store is busy", 1),
            StoreError::Away(_) => Self::try_again("database_away", "the database cannot be reached now", 5),
            StoreError::InDoubt => Self::try_again(
                "in_doubt",
                "the database went away while this was being stored; send it again under the same Idempotency-Key",
                5,
            ),
            StoreError::Failed(_) | StoreError::Closed => {
                Self::try_again("store_unavailable", "the service is restarting", 5)
            }
            StoreError::Wrong(_)
            | StoreError::Newer { .. }
            | StoreError::HalfMoved { .. }
            | StoreError::Held(_)
            | StoreError::Folder(..) => Self::internal(error.to_string()),
        }
    }
}
