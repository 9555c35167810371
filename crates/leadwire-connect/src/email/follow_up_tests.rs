//! Messages to customers and to the team, and several leads in one message.

use super::tests::{ACCEPTED, NOW, at, check_golden, egress, open, server, willing};
use super::*;
use leadwire_core::follow_up::Message as Words;
use leadwire_core::id::{DeliveryId, DestinationNo, TouchpointId};
use leadwire_core::language::Language;
use leadwire_core::outcome::{Fault, Outcome};
use leadwire_core::touchpoint::Touchpoint;
use serde_json::json;
use std::sync::Arc;

fn saying(number: u128, audience: Audience) -> Payload {
    let words = Words {
        audience,
        language: Language::Hu,
        subject: "Köszönjük, <Ada>!\r\nBcc: all@contoso.example".to_owned(),
        text: "Kedves Lovelace Ada!\n\nHamarosan jelentkezünk.\nContoso".to_owned(),
        stop_url: (audience == Audience::Customer).then(|| "https://leads.example.com/stop/x".to_owned()),
    };
    Payload { message: Some(Arc::new(words)), ..willing(number) }
}

#[test]
fn messages_are_the_golden_ones() {
    check_golden(saying(7, Audience::Customer), &json!({}), include_str!("golden/to_customer.txt"));
    check_golden(saying(7, Audience::Team), &json!({}), include_str!("golden/to_team.txt"));
}

#[tokio::test]
async fn a_customer_gets_the_message_and_nobody_else() {
    let server = server(&[]).await;
    let connector = at(&server, &json!({ "collect": "yes" }));
    let batch = [willing(1), saying(2, Audience::Customer), saying(3, Audience::Team)];
    let delivered = connector.deliver(&batch, Moment { now: NOW }, &egress()).await;
    assert!(delivered.tried.iter().all(|it| it.outcome == ACCEPTED), "{delivered:?}");
    assert_eq!(delivered.calls, 2);
    let messages = server.messages();
    let mut to: Vec<&[String]> = messages.iter().map(|it| &it.to[..]).collect();
    to.sort();
    assert_eq!(
        to,
        [
            &["ada@example.com".to_owned()][..],
            &["sales@contoso.example".into(), "crm@contoso.example".into()]
        ]
    );
}

#[tokio::test]
async fn a_customers_refused_address_parks_that_message_alone() {
    let server = server(&[("ada@example.com", "550 5.1.1 No such user")]).await;
    let connector = at(&server, &json!({}));
    let tried =
        connector.deliver(&[saying(1, Audience::Customer)], Moment { now: NOW }, &egress()).await.tried;
    assert_eq!(tried[0].outcome, Outcome::NotDone(Fault::Park), "{tried:?}");
    let mut nobody = saying(2, Audience::Customer);
    nobody.touchpoint = Arc::new(Touchpoint::default());
    let tried = connector.deliver(&[nobody], Moment { now: NOW }, &egress()).await.tried;
    assert_eq!(tried[0].outcome, Outcome::NotDone(Fault::Withhold));
    assert_eq!(server.tried(), 0);
}

#[tokio::test]
async fn leads_that_are_due_together_are_one_message() {
    let server = server(&[]).await;
    let connector = at(&server, &json!({ "collect": "yes" }));
    assert_eq!((connector.batch_max(), at(&server, &json!({})).batch_max()), (DIGEST_LEADS_MAX, 1));
    let batch: Vec<Payload> = (1..=3)
        .map(|number| Payload {
            delivery: DeliveryId {
                touchpoint: TouchpointId::new(number),
                destination: DestinationNo::new(3),
            },
            ..willing(number)
        })
        .collect();
    let delivered = connector.deliver(&batch, Moment { now: NOW }, &egress()).await;
    assert_eq!((delivered.calls, server.messages().len()), (1, 1));
    assert!(delivered.tried.iter().all(|it| it.outcome == ACCEPTED));
    let preview = open(&json!({ "collect": "yes" })).preview(&batch, Moment { now: NOW });
    let text = String::from_utf8(preview.requests[0].body.to_vec()).unwrap();
    assert!(text.contains("Subject: 3 leads: Contoso CRM Pro"), "{text}");
    assert_eq!(text.matches("<h2").count(), 3);
    // The same leads again are the same message to whoever looks at its id.
    connector.deliver(&batch, Moment { now: NOW }, &egress()).await;
    assert_eq!((server.messages().len(), server.distinct()), (2, 1));
}
