//! Letters to one person by name: who gets them, what is in them, and what becomes of an address that is refused.

use super::tests::{ACCEPTED, NOW, at, egress, server};
use super::*;
use leadwire_core::language::Language;
use leadwire_core::outcome::{Fault, Outcome};
use serde_json::json;

fn letter(to: &str) -> Letter {
    Letter {
        id: "ltr_usr_1_0".to_owned(),
        at: NOW,
        to: to.to_owned(),
        subject: "Meghívás\r\nBcc: all@contoso.example".to_owned(),
        text: "Üdvözöljük, <Ada>!\n\nhttps://leads.example.com/first/lw_usr_x\n\nViszlát.".to_owned(),
        language: Language::Hu,
    }
}

async fn write(at: &dyn Connector, letter: &Letter) -> Tried {
    at.write_to(letter, Moment { now: NOW }, &egress()).await.expect("mail writes letters")
}

#[tokio::test]
async fn a_letter_reaches_whom_it_names_and_nobody_else() {
    let server = server(&[]).await;
    let connector = at(&server, &json!({}));
    assert!(connector.writes_letters());
    assert_eq!(write(&*connector, &letter("ada@example.com")).await.outcome, ACCEPTED);
    let messages = server.messages();
    assert_eq!((messages.len(), &messages[0].to), (1, &vec!["ada@example.com".to_owned()]));
    let text = &messages[0].content;
    assert!(text.contains("lang=3D\"hu\"") && !text.contains("\r\nBcc:"), "{text}");
    let joined = text.replace("=\r\n", "");
    let link = "https://leads.example.com/first/lw_usr_x";
    assert!(joined.contains(&format!("<a href=3D\"{link}\">{link}</a>")), "{text}");
    assert!(!joined.contains("<Ada>") || joined.contains("&lt;Ada&gt;"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_refused_ends_that_letter_and_says_nothing_of_the_server() {
    let server = server(&[("gone@example.com", "550 5.1.1 No such user")]).await;
    let connector = at(&server, &json!({}));
    let refused = write(&*connector, &letter("gone@example.com")).await;
    assert_eq!(refused.outcome, Outcome::NotDone(Fault::Park), "{refused:?}");
    assert!(
        !format!("{refused:?}").contains("gone@") && !format!("{refused:?}").contains("lw_usr_x"),
        "{refused:?}"
    );
    let odd = write(&*connector, &letter("ödön@példa.example")).await;
    assert_eq!(odd.outcome, Outcome::NotDone(Fault::Withhold));
}
