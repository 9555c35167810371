//! Invitations and forgotten passwords by e-mail: from the form to the mail server and back by the link, and what nobody learns.

use http::Method;
use leadwire_core::limits;
use leadwire_sandbox::smtp::{self, MailSandbox, Message, Options};
use leadwire_testkit::app::{PATIENCE, TestApp};
use leadwire_testkit::portal::{PASSWORD, Visitor, path_of, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

const P: &str = "?publisher=contoso";

/// A mail server that somebody named for the alerts of the operator.
pub(crate) async fn named(app: &TestApp, refused: &[&str]) -> MailSandbox {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let refused = refused.iter().map(|it| ((*it).to_owned(), "550 5.1.1 No such user".to_owned()));
    let options = Options { refused: refused.collect::<BTreeMap<_, _>>(), ..Options::new("a password") };
    let clock = Arc::clone(&app.clock);
    let now = Arc::new(move || leadwire::clock::Clock::wall(&*clock).millis());
    let server = smtp::start(tokio::net::TcpListener::from_std(listener).unwrap(), options, now).unwrap();
    let new = json!({ "name": "post", "kind": "email", "settings": server.destination_settings() });
    app.post(&format!("/v1/destinations{P}"), &new).await;
    let receivers = json!({ "receivers": ["contoso/post"] });
    app.call(Method::PUT, "/v1/notices/receivers", Some(&receivers)).await.expect(200);
    server
}

/// Waits until rounds of letters have made somebody's what is wished.
pub(crate) async fn letter(app: &TestApp, email: &str, state: &str) -> Value {
    let mut rounds = app.app.letters.rounds();
    loop {
        rounds.borrow_and_update();
        let all = app.get("/v1/users").await;
        let user = all["items"].as_array().unwrap().iter().find(|it| it["email"] == email);
        let found = user.map(|it| it["letter"].clone()).unwrap_or_default();
        if found["state"] == state {
            return found;
        }
        let round = tokio::time::timeout(PATIENCE, rounds.changed()).await;
        round.unwrap_or_else(|_| panic!("{email} never had a letter that is {state}: {found}")).unwrap();
    }
}

/// The path of the link in a message.
fn link(message: &Message) -> String {
    let text = message.content.replace("=\r\n", "");
    let url = text.split_whitespace().find(|it| it.starts_with("http://") && it.contains("/first/"));
    path_of(url.unwrap_or_else(|| panic!("a letter has a link: {text}")))
}

#[tokio::test]
async fn an_invitation_goes_by_mail_and_its_link_lets_in() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let ada = Visitor::operator(&app).await;
    let invite = [("email", "bob@contoso.com"), ("name", "Bob"), ("role", "member"), ("mail", "yes")];
    assert!(ada.read("/users").await.contains("name an e-mail destination under alerts"));
    assert_eq!(ada.act("/users", &invite).await.status, 409, "nobody could send it");
    let server = named(&app, &[]).await;
    assert!(ada.read("/users").await.contains("name=\"mail\" value=\"yes\" checked"));
    let made = ada.act("/users", &invite).await;
    assert_eq!(made.status, 201, "{}", text(&made));
    assert!(text(&made).contains("on its way to bob@contoso.com") && !text(&made).contains("/first/"));
    let sent = letter(&app, "bob@contoso.com", "sent").await;
    assert_eq!((&sent["kind"], &sent["attempts"]), (&json!("invitation"), &json!(1)));
    let messages = server.messages();
    assert_eq!((messages.len(), &messages[0].to), (1, &vec!["bob@contoso.com".to_owned()]));
    assert!(ada.read("/users").await.contains("Mail sent"));
    let bob = Visitor::by_link(&app, &link(&messages[0]), "bob@contoso.com").await;
    assert_eq!(bob.open("/leads").await.status, 200);
    assert_eq!(Visitor::new(&app).open(&link(&messages[0])).await.status, 404, "it works once");
    app.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_letter_that_nobody_takes_is_told_and_is_sent_again_by_hand() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let server = named(&app, &["gone@contoso.com"]).await;
    let new = json!({ "email": "gone@contoso.com", "role": "reader", "mail": true, "language": "tr" });
    let made = app.post(&format!("/v1/users{P}"), &new).await;
    assert_eq!((&made["link"], &made["letter"]["state"]), (&Value::Null, &json!("waiting")));
    let failed = letter(&app, "gone@contoso.com", "failed").await;
    assert_eq!(failed["cause"], "recipients_refused");
    assert!(!failed.to_string().contains("gone@"), "{failed}");
    let bob = Visitor::of_contoso(&app, "publisher").await;
    assert!(bob.read("/users").await.contains("The mail could not be sent:"));
    let path = format!("/users/{}/letter", made["id"].as_str().unwrap());
    for _ in 0..limits::LETTERS_PER_USER.burst {
        assert_eq!(bob.act(&path, &[]).await.status, 303);
    }
    assert_eq!(bob.act(&path, &[]).await.status, 429);
    let told = app.get(&format!("/v1/audit{P}&action=user.letter")).await;
    assert_eq!(
        told["items"].as_array().unwrap().len(),
        usize::try_from(limits::LETTERS_PER_USER.burst).unwrap()
    );
    let odd = json!({ "email": "eve@contoso.com", "role": "reader", "mail": true, "language": "xx" });
    let refused = app.call(Method::POST, &format!("/v1/users{P}"), Some(&odd)).await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/language".to_owned()));
    app.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_and_nobody_learns_who_is_there() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let server = named(&app, &[]).await;
    let bob = Visitor::of_contoso(&app, "member").await;
    let nobody = Visitor::new(&app);
    assert!(nobody.read("/sign-in").await.contains("href=\"/forgot\""));
    let form = nobody.read("/forgot").await;
    assert!(form.contains("action=\"/forgot\""), "{form}");
    let wrong = nobody.send("/forgot", &[("email", "no address")]).await;
    assert!(wrong.status == 422 && text(&wrong).contains("role=\"alert\""), "{}", text(&wrong));
    let known = nobody.send("/forgot", &[("email", "Member@Contoso.com")]).await;
    let unknown = nobody.send("/forgot", &[("email", "nobody@contoso.com")]).await;
    assert_eq!((known.status, text(&known)), (unknown.status, text(&unknown)), "the answers are alike");
    assert!(text(&known).contains("a link is on its way"));
    let sent = letter(&app, "member@contoso.com", "sent").await;
    assert_eq!(sent["kind"], "password");
    let path = link(&server.messages()[0]);
    assert_eq!(server.messages().len(), 1, "nobody else is written to");
    assert_eq!(bob.open("/leads").await.status, 200, "until it is used nothing has changed");
    let anew = Visitor::by_link(&app, &path, "member@contoso.com").await;
    assert_eq!((anew.open("/leads").await.status, bob.open("/leads").await.status), (200, 303));
    let late = nobody.send("/forgot", &[("email", "member@contoso.com")]).await;
    assert_eq!(text(&late), text(&known));
    let mut rounds = app.app.letters.rounds();
    while server.messages().len() < 2 {
        tokio::time::timeout(PATIENCE, rounds.changed()).await.expect("it is sent").unwrap();
    }
    app.clock.advance(limits::FORGOTTEN_LINK_KEPT);
    assert_eq!(nobody.open(&link(&server.messages()[1])).await.status, 404, "it ends after an hour");
    assert_eq!(
        nobody.send("/sign-in", &[("email", "member@contoso.com"), ("password", PASSWORD)]).await.status,
        303,
        "and the password stays"
    );
    app.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_sees_nothing_of_it_and_a_network_is_slowed_down() {
    let app = TestApp::start().await;
    app.add_contoso().await;
    let server = named(&app, &[]).await;
    Visitor::of_contoso(&app, "member").await;
    let nobody = Visitor::new(&app);
    let first = text(&nobody.send("/forgot", &[("email", "member@contoso.com")]).await);
    for _ in 1..limits::FORGOTTEN_PER_NETWORK.burst {
        let again = nobody.send("/forgot", &[("email", "member@contoso.com")]).await;
        assert_eq!((again.status, text(&again)), (200, first.clone()));
    }
    let slowed = nobody.send("/forgot", &[("email", "somebody.else@contoso.com")]).await;
    assert_eq!(slowed.status, 429);
    assert!(slowed.headers.contains_key("retry-after"));
    letter(&app, "member@contoso.com", "sent").await;
    let most = usize::try_from(limits::FORGOTTEN_PER_ADDRESS.burst).unwrap();
    assert!(server.messages().len() <= most, "{}", server.messages().len());
    app.stop().await;
    server.stop().await;
}
