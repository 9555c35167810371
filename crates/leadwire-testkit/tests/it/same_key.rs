//! Several nodes and one master key: a node with another one, or with none, says so and does not start among them.

use http::Method;
use leadwire::app::App;
use leadwire::config::Config;
use leadwire_core::secret::Secret;
use leadwire_testkit::app::{TestApp, config, start_endpoint};
use leadwire_testkit::clock::TestClock;
use leadwire_testkit::engine;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Why a second node does not start in a folder of its own.
async fn refusal(folder: &Path, database: &Secret<String>) -> String {
    let config = Config { database: Some(database.clone()), ..config(folder) };
    match App::open(config, Arc::new(TestClock::default()), None).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_node_that_lacks_the_master_key_makes_none_and_says_which_is_missing() {
    let (folder, other) = (Arc::new(tempfile::tempdir().unwrap()), tempfile::tempdir().unwrap());
    let (clock, database) = (Arc::new(TestClock::default()), engine::on_server(folder.path()));
    let address = database.clone();
    let one =
        TestApp::start_in(Arc::clone(&folder), Arc::clone(&clock), |it| it.database = Some(address)).await;
    one.add_contoso().await;
    let endpoint = start_endpoint(&clock, None).await;
    let settings = json!({ "url": endpoint.url(), "auth": "bearer", "token": "hunter2" });
    one.add_destination("crm", settings).await;
    let used = one.get("/v1/secrets").await["master_keys"][0]["id"].as_str().unwrap().to_owned();

    let said = refusal(&other.path().join("not-there-yet"), &database).await;
    assert!(said.contains("No new one"), "{said}");
    let said = refusal(other.path(), &database).await;
    assert!(said.contains(&used) && said.contains("secret.key") && said.contains("No new one"), "{said}");
    assert!(!other.path().join("secret.key").exists(), "none was made");

    std::fs::write(other.path().join("secret.key"), "07".repeat(32)).unwrap();
    let said = refusal(other.path(), &database).await;
    assert!(said.contains(&used) && said.contains("master_key_file"), "{said}");

    std::fs::copy(folder.path().join("secret.key"), other.path().join("secret.key")).unwrap();
    let two = Config { database: Some(database), ..config(other.path()) };
    let two = App::open(two, Arc::new(TestClock::default()), None).await.unwrap();
    one.until_nodes(2).await;
    let wish = json!({ "key": "master" });
    let refused = one.call(Method::POST, "/v1/secrets/rotate", Some(&wish)).await.expect(409);
    assert_eq!(refused["code"], "several_nodes", "{refused}");
    drop(two);
    one.stop().await;
}
