//! Refusals of the table service, in its words.

use crate::service::Reply;
use serde_json::{Value, json};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) fn wrong(status: u16, code: &'static str, message: impl Into<String>) -> Wrong {
    Wrong { status, code, message: message.into() }
}

/// `InvalidInput`, which stands for most that is malformed.
pub(super) fn invalid(message: &str) -> Wrong {
    wrong(400, "InvalidInput", format!("One of the request inputs is not valid. {message}").trim_end())
}

pub(super) fn not_authenticated(detail: &str) -> Wrong {
    let text = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly \
                including the signature.";
    wrong(403, "AuthenticationFailed", format!("{text}\n{detail}"))
}

pub(super) fn not_permitted(code: &'static str, how: &str) -> Wrong {
    wrong(403, code, format!("This request is not authorized to perform this operation{how}."))
}

impl Wrong {
    /// The message with the lines every one has, and the number of the operation in front when it is one of several.
    fn whole(&self, at: Option<usize>, (request, time): (&str, &str)) -> String {
        let number = at.map(|it| format!("{it}:")).unwrap_or_default();
        format!("{number}{}\nRequestId:{request}\nTime:{time}", self.message)
    }

    pub(super) fn json(&self, at: Option<usize>, stamp: (&str, &str)) -> Value {
        let message = json!({ "lang": "en-US", "value": self.whole(at, stamp) });
        json!({ "odata.error": { "code": self.code, "message": message } })
    }

    /// As an answer. Those of signing in are XML, as the emulator's are; of the service this is not known, and a client
    /// has to understand both.
    pub(super) fn reply(&self, stamp: (&str, &str)) -> Reply {
        let reply = if matches!(self.status, 401 | 403) {
            let message = self.whole(None, stamp).replace('&', "&amp;").replace('<', "&lt;");
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{message}</Message></Error>",
                self.code
            );
            Reply::text(self.status, "application/xml", body)
        } else {
            let kind = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8";
            Reply::text(self.status, kind, self.json(None, stamp).to_string())
        };
        let reply = reply.header("x-ms-error-code", self.code);
        match self.status {
            401 => reply.header(
                "www-authenticate",
                "Bearer authorization_uri=https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/oauth2/authorize resource_id=https://storage.azure.com",
            ),
            _ => reply,
        }
    }
}
