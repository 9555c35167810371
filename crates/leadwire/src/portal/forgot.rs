//! Forgotten passwords: whoever types an address sees the same page, whether anybody has it or not.

use super::entry::{self, slow_down};
use super::shell::Shell;
use super::visit::{Visit, html};
use crate::accounts;
use crate::api::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/forgot.html")]
struct ForgotPage {
    shell: Shell,
    email: String,
    is_asked: bool,
    error: Option<String>,
}

impl ForgotPage {
    fn new(visit: &Visit) -> Self {
        let shell = Shell::bare(&visit.look, "forgot-title", visit.here());
        Self { shell, email: String::new(), is_asked: false, error: None }
    }
}

/// `GET /forgot`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    Ok(visit.page(&ForgotPage::new(&visit)))
}

/// `POST /forgot`
pub(super) async fn ask(visit: Visit) -> Result<Response, Problem> {
    let (floods, now) = (&visit.app.floods, visit.app.clock.steady());
    let network = entry::network(&visit.app, visit.peer, &visit.headers);
    floods.forgotten_here.take(&network, now).map_err(slow_down)?;
    let Some(email) = accounts::email(visit.field("email")) else {
        let error = Some(visit.look_say("mistake-email"));
        let email = visit.field("email").to_owned();
        let page = ForgotPage { email, error, ..ForgotPage::new(&visit) };
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    // Whoever asks too often sees nothing of it: that somebody has been written to is nobody else's business.
    if floods.forgotten.take(email.as_bytes(), now).is_ok() {
        visit.app.letters.forgot(email, visit.look.language);
    }
    Ok(visit.page(&ForgotPage { is_asked: true, ..ForgotPage::new(&visit) }))
}
